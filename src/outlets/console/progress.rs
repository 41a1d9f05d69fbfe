//! The progress bar, which names the nodes that are left.

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::model::capped::Capped;

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
        let left = self.left.iter().map(|&position| self.names[position]);
        let left: Capped<_, 4> = left.collect();
        self.bar.set_message(left.joined(|_| "…".to_owned()));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
