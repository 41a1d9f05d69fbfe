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
        Family::new(
            "build_info",
            "",
            "Version of the program; the value is always 1",
        )
        .with(&version, Some(1)),
        Family::new("last_run_timestamp", SECONDS, "When the last run ended")
            .with(&none, Some(run.ended_at)),
        Family::new(
            LAST_SUCCESS,
            SECONDS,
            "When the last run with exit status 0 ended",
        )
        .with(&none, last_success),
        Family::new("last_run_duration", SECONDS, "How long the last run took")
            .with(&none, Some(duration)),
        Family::new("last_run_exit_status", "", "Exit status of the last run")
            .with(&none, Some(exit_status)),
        Family::new(
            "day_start_timestamp",
            SECONDS,
            "When the last day that the last run collected begins",
        )
        .with(&none, run.day.map(|day| day.window.start)),
    ]
}

fn node_families(nodes: &[NodeReport]) -> impl Iterator<Item = Family> {
    let mut written = Family::new(
        "node_written",
        "",
        "Whether the node's files of the day are new: 1 yes, 0 no",
    );
    let names = ["node_gpu_utilization_mean", "node_vram_usage_mean"];
    let mut of_nodes = figures("node", names, "all GPUs of the node");
    let names = ["gpu_utilization_mean", "gpu_vram_usage_mean"];
    let mut of_gpus = figures("gpu", names, "the GPU");
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
    let family = |name: &str, unit, what, remark| {
        let help = format!("The day's {what} of {owner}{remark}");
        Family::new(name, unit, &help)
    };
    let readings = format!("{kind}_readings");
    [
        family(&readings, "", "readings", ""),
        family(&(readings + "_due"), "", "readings due", ""),
        family(
            &format!("{kind}_coverage"),
            RATIO,
            "readings",
            ", by those due",
        ),
        family(gpu, RATIO, "mean GPU utilisation", "; 1 is 100%"),
        family(vram, RATIO, "mean VRAM utilisation", "; 1 is 100%"),
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
                "# HELP daily_gpu_log_build_info Version of the program; the value is always 1\n\
                 # TYPE daily_gpu_log_build_info gauge\n\
                 daily_gpu_log_build_info{{version=\"{}\"}} 1\n\
                 # HELP daily_gpu_log_last_run_timestamp_seconds When the last run ended\n\
                 # TYPE daily_gpu_log_last_run_timestamp_seconds gauge\n\
                 # UNIT daily_gpu_log_last_run_timestamp_seconds seconds\n\
                 daily_gpu_log_last_run_timestamp_seconds 1754006400\n\
                 # HELP daily_gpu_log_last_run_duration_seconds How long the last run took\n\
                 # TYPE daily_gpu_log_last_run_duration_seconds gauge\n\
                 # UNIT daily_gpu_log_last_run_duration_seconds seconds\n\
                 daily_gpu_log_last_run_duration_seconds 61.002\n\
                 # HELP daily_gpu_log_last_run_exit_status Exit status of the last run\n\
                 # TYPE daily_gpu_log_last_run_exit_status gauge\n\
                 daily_gpu_log_last_run_exit_status 11\n\
                 # EOF\n",
                env!("CARGO_PKG_VERSION")
            )
        );
    }
}
