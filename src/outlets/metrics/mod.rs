//! The last run in numbers, for node_exporter's textfile collector. No user is named in it.

mod file;
mod text;

use std::time::Duration;

use crate::analysis::{Coverage, Mean};
use crate::model::{ExitStatus, Percent, UnixSeconds};
use crate::report::{NodeReport, RunReport};
use text::{Family, Labels, PREFIX};

pub use file::{MetricsFileError, write};

/// The family whose value one run takes over from the one before.
const LAST_SUCCESS: &str = "last_success_timestamp";
const SECONDS: &str = "seconds";
const RATIO: &str = "ratio";

#[derive(Clone, Copy, Debug)]
pub struct RunEnd<'a> {
    pub ended_at: UnixSeconds,
    pub duration: Duration,
    pub exit_status: ExitStatus,
    /// The last day that it collected, if any.
    pub day: Option<&'a RunReport<'a>>,
}

/// The document about `run`. From the `earlier` one comes when a run last succeeded, unless this one did.
fn render(run: &RunEnd, earlier: Option<&str>) -> String {
    let last_success = match run.exit_status {
        ExitStatus::Complete => Some(run.ended_at),
        _ => earlier.and_then(last_success),
    };
    let nodes = run.day.map_or(&[][..], |day| &day.nodes);
    let families = run_families(run, last_success).into_iter();
    text::document(families.chain(node_families(nodes)))
}

fn is_metrics(text: &str) -> bool {
    text.starts_with(&format!("# HELP {PREFIX}_"))
}

fn last_success(document: &str) -> Option<UnixSeconds> {
    let name = format!("{PREFIX}_{LAST_SUCCESS}_seconds ");
    let value = document.lines().find_map(|line| line.strip_prefix(&name))?;
    value.parse().ok()
}

fn run_families(run: &RunEnd, last_success: Option<UnixSeconds>) -> [Family; 6] {
    let version = Labels::default().with("version", env!("CARGO_PKG_VERSION"));
    let none = Labels::default();
    let (duration, exit_status) = (milliseconds(run.duration), u8::from(run.exit_status));
    [
        Family::new("build_info", "", "本程式的版本，值永遠是 1").with(&version, Some(1)),
        Family::new("last_run_timestamp", SECONDS, "最近一次執行結束的時刻")
            .with(&none, Some(run.ended_at)),
        Family::new(
            LAST_SUCCESS,
            SECONDS,
            "最近一次結束狀態為 0 的執行結束的時刻",
        )
        .with(&none, last_success),
        Family::new("last_run_duration", SECONDS, "最近一次執行花費的時間")
            .with(&none, Some(duration)),
        Family::new("last_run_exit_status", "", "最近一次執行的結束狀態")
            .with(&none, Some(exit_status)),
        Family::new(
            "day_start_timestamp",
            SECONDS,
            "最近一次執行所收集的最後一天從何時開始",
        )
        .with(&none, run.day.map(|day| day.window.start)),
    ]
}

fn node_families(nodes: &[NodeReport]) -> impl Iterator<Item = Family> {
    let mut written = Family::new("node_written", "", "節點當日的檔案是否已更新：1 是，0 否");
    let names = ["node_gpu_utilization_mean", "node_vram_usage_mean"];
    let mut of_nodes = figures("node", names, "節點所有 GPU 當日");
    let names = ["gpu_utilization_mean", "gpu_vram_usage_mean"];
    let mut of_gpus = figures("gpu", names, "GPU 當日");
    for NodeReport {
        node,
        coverage,
        files,
    } in nodes
    {
        let labels = Labels::default().with("node", &node.name);
        written.add(&labels, Some(u8::from(files.is_some())));
        let mean = files.as_ref().map(|files| files.mean_percent);
        add(&mut of_nodes, &labels, *coverage, mean.unwrap_or_default());
        for gpu in files.iter().flat_map(|files| &files.gpus) {
            let labels = labels.clone().with("gpu", gpu.index.0);
            let labels = labels.with("card", gpu.card);
            add(&mut of_gpus, &labels, gpu.coverage, gpu.mean_percent);
        }
    }
    [written].into_iter().chain(of_nodes).chain(of_gpus)
}

/// What is known of a node and of a GPU alike.
fn figures(kind: &str, [gpu, vram]: [&str; 2], owner: &str) -> [Family; 5] {
    let family = |name: &str, unit, what| Family::new(name, unit, &format!("{owner}{what}"));
    let readings = format!("{kind}_readings");
    [
        family(&readings, "", "已有的讀數"),
        family(&(readings + "_due"), "", "應有的讀數"),
        family(
            &format!("{kind}_coverage"),
            RATIO,
            "已有的讀數占應有讀數的比例",
        ),
        family(gpu, RATIO, "的平均 GPU 使用率，1 是 100%"),
        family(vram, RATIO, "的平均 VRAM 使用率，1 是 100%"),
    ]
}

fn add(figures: &mut [Family; 5], labels: &Labels, coverage: Coverage, mean: Mean) {
    let ratio = |percent: Option<Percent>| percent.map(|percent| percent.value() / 100.0);
    let [found, due, covered, gpu, vram] = figures;
    found.add(labels, Some(coverage.found));
    due.add(labels, Some(coverage.due));
    covered.add(labels, Some(coverage.percent() / 100.0));
    gpu.add(labels, ratio(mean.gpu));
    vram.add(labels, ratio(mean.vram));
}

fn milliseconds(duration: Duration) -> String {
    format!("{}.{:03}", duration.as_secs(), duration.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(exit_status: ExitStatus, ended_at: UnixSeconds) -> RunEnd<'static> {
        RunEnd {
            ended_at,
            duration: Duration::from_micros(61_002_999),
            exit_status,
            day: None,
        }
    }

    /// The value of a family without labels.
    fn value<'a>(document: &'a str, name: &str) -> Option<&'a str> {
        let name = format!("daily_gpu_log_{name} ");
        document.lines().find_map(|line| line.strip_prefix(&name))
    }

    #[test]
    fn the_last_success_outlives_runs_that_are_none() {
        let success =
            |document: &str| value(document, "last_success_timestamp_seconds").map(str::to_owned);
        let mut document = render(&run(ExitStatus::Failed, 1), None);
        assert_eq!(success(&document), None, "there never was one");
        for (status, now, expected) in [
            (ExitStatus::Incomplete, 2, None),
            (ExitStatus::Complete, 3, Some("3")),
            (ExitStatus::Incomplete, 4, Some("3")),
            (ExitStatus::Locked, 5, Some("3")),
            (ExitStatus::Configuration, 6, Some("3")),
            (ExitStatus::Complete, 7, Some("7")),
        ] {
            document = render(&run(status, now), Some(&document));
            assert_eq!(success(&document).as_deref(), expected, "{status:?}");
            assert_eq!(
                value(&document, "last_run_timestamp_seconds"),
                Some(&*now.to_string())
            );
            assert!(is_metrics(&document));
        }
        let no_number = "daily_gpu_log_last_success_timestamp_seconds soon\n";
        document = render(&run(ExitStatus::Failed, 8), Some(no_number));
        assert_eq!(success(&document), None);
    }

    #[test]
    fn a_run_that_collected_nothing_has_no_figures() {
        assert_eq!(
            render(&run(ExitStatus::Locked, 1_754_006_400), None),
            format!(
                "# HELP daily_gpu_log_build_info 本程式的版本，值永遠是 1\n\
                 # TYPE daily_gpu_log_build_info gauge\n\
                 daily_gpu_log_build_info{{version=\"{}\"}} 1\n\
                 # HELP daily_gpu_log_last_run_timestamp_seconds 最近一次執行結束的時刻\n\
                 # TYPE daily_gpu_log_last_run_timestamp_seconds gauge\n\
                 # UNIT daily_gpu_log_last_run_timestamp_seconds seconds\n\
                 daily_gpu_log_last_run_timestamp_seconds 1754006400\n\
                 # HELP daily_gpu_log_last_run_duration_seconds 最近一次執行花費的時間\n\
                 # TYPE daily_gpu_log_last_run_duration_seconds gauge\n\
                 # UNIT daily_gpu_log_last_run_duration_seconds seconds\n\
                 daily_gpu_log_last_run_duration_seconds 61.002\n\
                 # HELP daily_gpu_log_last_run_exit_status 最近一次執行的結束狀態\n\
                 # TYPE daily_gpu_log_last_run_exit_status gauge\n\
                 daily_gpu_log_last_run_exit_status 11\n\
                 # EOF\n",
                env!("CARGO_PKG_VERSION")
            )
        );
    }
}
