//! The progress bar, which names the nodes that are left.

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The bar of a run.
#[derive(Debug)]
pub struct Progress<'a> {
    bar: ProgressBar,
    names: Vec<&'a str>,
    left: BTreeSet<usize>,
}

impl<'a> Progress<'a> {
    /// A bar among `bars` for the nodes of these names.
    pub fn new(bars: &MultiProgress, names: Vec<&'a str>) -> Self {
        let bar = bars.add(ProgressBar::new(names.len() as u64));
        let style = ProgressStyle::with_template("[{elapsed}] {bar:20} {pos}/{len} 等待：{msg}");
        bar.set_style(style.expect("the template is well-formed"));
        // It takes a thread, for which the machine may have no room, and nobody sees it on cron's stderr.
        if !bars.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let progress = Self {
            bar,
            left: (0..names.len()).collect(),
            names,
        };
        progress.show();
        progress
    }

    /// The node at `position` has ended.
    pub fn done(&mut self, position: usize) {
        self.left.remove(&position);
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        const NAMED: usize = 4;
        let named: Vec<_> = self
            .left
            .iter()
            .take(NAMED)
            .map(|&position| self.names[position])
            .collect();
        let more = if self.left.len() > NAMED { "…" } else { "" };
        self.bar.set_message(format!("{}{more}", named.join("、")));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
