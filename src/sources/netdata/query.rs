//! The addresses that a node's Netdata agent is asked at.

use url::Url;

use crate::model::{CardId, Metric, Window};

/// Which of its tiers of storage an agent answers from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// The samples as they were collected. Rows are exact, but go back two weeks at most by default.
    Samples,
    /// Whichever the agent prefers, which is often that of one-minute means: it goes back months, but its rows are
    /// a second off, and the first row of a day in a zone of odd offset was seen 4.4 points off (1.37.1).
    Any,
}

/// The one request that returns every card and both metrics of the window (netdata/facts.md §0).
pub fn whole_node(base: &Url, window: &Window, tier: Tier) -> Url {
    let contexts = Metric::ALL.map(Metric::context).join("|");
    let mut url = data(
        base,
        window,
        ("context", &contexts),
        "unaligned|jsonwrap|flip",
    );
    if tier == Tier::Samples {
        url.query_pairs_mut().append_pair("tier", "0");
    }
    url
}

/// The request for one chart by the name that the seeds document, for agents that know no queries by context.
pub fn one_chart(base: &Url, window: &Window, metric: Metric, card: CardId) -> Url {
    let chart = format!("{}_unknown_AMD_GPU_card{card}", metric.context());
    let mut url = data(base, window, ("chart", &chart), "unaligned|flip");
    // Agents that know queries by context, but failed at one, have tiers; others pass it over.
    url.query_pairs_mut().append_pair("tier", "0");
    url
}

/// The request for the last rows up to now, on the agent's own clock: a row without a sample is a gap, and never an
/// older value. From the samples alone, because a row of ten seconds is a part of those of the coarser tiers.
pub fn recent(base: &Url, rows: u16, seconds: u32) -> Url {
    let contexts = Metric::ALL.map(Metric::context).join("|");
    let after = u64::from(rows) * u64::from(seconds);
    let mut url = command(base, "data");
    url.query_pairs_mut()
        .append_pair("context", &contexts)
        .append_pair("after", &format!("-{after}"))
        .append_pair("points", &rows.to_string())
        .append_pair("group", "average")
        .append_pair("format", "json")
        .append_pair("options", "unaligned|jsonwrap|flip")
        .append_pair("tier", "0");
    url
}

pub fn info(base: &Url) -> Url {
    command(base, "info")
}

/// The request for the charts of a metric, also of those that are not collected any more (netdata/facts.md §4).
pub fn charts(base: &Url, metric: Metric) -> Url {
    let mut url = command(base, "context");
    url.query_pairs_mut()
        .append_pair("context", metric.context())
        .append_pair("options", "charts");
    url
}

/// `unaligned` and the exact `before` make rows end on the window's own intervals in any zone; aligned ones are
/// right only where midnight is a multiple of the interval (netdata/facts.md §2).
fn data(base: &Url, window: &Window, subject: (&str, &str), options: &str) -> Url {
    // A window of one interval would be answered with a row of that and one second more, because the second that
    // `after` names is counted as well; with two intervals each row has its exact length.
    let rows = window.due().max(2) as u64;
    let after = window.until - window.interval.seconds() * rows.cast_signed();
    let mut url = command(base, "data");
    url.query_pairs_mut()
        .append_pair(subject.0, subject.1)
        .append_pair("after", &after.to_string())
        .append_pair("before", &window.until.to_string())
        .append_pair("points", &rows.to_string())
        .append_pair("group", "average")
        .append_pair("format", "json")
        .append_pair("options", options);
    url
}

/// The address of a command of the agent, or of a host on a parent, whose path stays.
fn command(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["api", "v1", name]);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;
    use chrono_tz::Tz;

    fn window() -> Window {
        let date = "2025-08-01".parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 2_000_000_000).expect("a window")
    }

    #[test]
    fn one_request_asks_for_all_cards_and_both_metrics() {
        let url = whole_node(
            &"http://192.168.10.103:19999".parse().expect("an URL"),
            &window(),
            Tier::Samples,
        );
        assert_eq!(
            url.as_str(),
            "http://192.168.10.103:19999/api/v1/data\
             ?context=amdgpu.gpu_utilization%7Camdgpu.gpu_mem_vram_usage_perc\
             &after=1754006400&before=1754092800&points=144&group=average&format=json\
             &options=unaligned%7Cjsonwrap%7Cflip&tier=0"
        );
    }

    #[test]
    fn what_is_now_is_asked_for_by_the_clock_of_the_agent() {
        let base = "http://parent/host/n".parse().expect("an URL");
        assert_eq!(
            recent(&base, 1, 10).as_str(),
            "http://parent/host/n/api/v1/data\
             ?context=amdgpu.gpu_utilization%7Camdgpu.gpu_mem_vram_usage_perc\
             &after=-10&points=1&group=average&format=json\
             &options=unaligned%7Cjsonwrap%7Cflip&tier=0"
        );
        let hour = recent(&base, 12, 300);
        assert!(hour.as_str().contains("&after=-3600&points=12&"), "{hour}");
    }

    #[test]
    fn a_single_interval_is_asked_for_with_the_one_before() {
        let date = "2025-08-01".parse().expect("a date");
        let now = 1_754_006_400 + 700;
        let window = Window::new(date, Tz::UTC, Interval::DEFAULT, now).expect("a window");
        assert_eq!(window.due(), 1);
        let url = whole_node(&"http://n".parse().expect("an URL"), &window, Tier::Any);
        assert!(
            url.as_str()
                .contains("&after=1754005800&before=1754007000&points=2&"),
            "{url}"
        );
    }

    #[test]
    fn a_node_on_a_parent_keeps_its_path() {
        for base in [
            "http://parent:19999/host/colab-gpu4",
            "http://parent:19999/host/colab-gpu4/",
        ] {
            let url = one_chart(
                &base.parse().expect("an URL"),
                &window(),
                Metric::Gpu,
                CardId(9),
            );
            assert!(
                url.as_str().starts_with(
                    "http://parent:19999/host/colab-gpu4/api/v1/data\
                     ?chart=amdgpu.gpu_utilization_unknown_AMD_GPU_card9&after=1754006400&"
                ),
                "{url}"
            );
            assert_eq!(
                charts(&base.parse().expect("an URL"), Metric::Vram).as_str(),
                "http://parent:19999/host/colab-gpu4/api/v1/context\
                 ?context=amdgpu.gpu_mem_vram_usage_perc&options=charts"
            );
        }
    }
}
