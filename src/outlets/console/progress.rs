//! The progress bar, which names the nodes that are left.

use std::collections::BTreeSet;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::model::{Capped, Node, text};

#[derive(Debug)]
pub struct Progress<'a> {
    bar: ProgressBar,
    names: Vec<&'a str>,
    left: BTreeSet<usize>,
}

impl<'a> Progress<'a> {
    pub fn new(bars: &MultiProgress, title: &str, nodes: &[&'a Node]) -> Self {
        let bar = bars.add(ProgressBar::new(nodes.len() as u64));
        // What is wide gives way where the terminal is narrow.
        let template = text(
            "{prefix}[{elapsed}] {bar:20} {pos}/{len} 等待：{wide_msg}",
            "{prefix}[{elapsed}] {bar:20} {pos}/{len} waiting for {wide_msg}",
        );
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.expect("the template is well-formed"));
        bar.set_prefix(title.to_owned());
        // Nobody sees it on cron's stderr.
        if !bars.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        let progress = Self {
            bar,
            names: nodes.iter().map(|node| node.name.as_str()).collect(),
            left: (0..nodes.len()).collect(),
        };
        progress.show();
        progress
    }

    pub fn done(&mut self, position: usize) {
        self.left.remove(&position);
        self.bar.inc(1);
        self.show();
    }

    fn show(&self) {
        const NAMED: usize = 4;
        let first = self.left.iter().take(NAMED);
        let left: Capped<_, NAMED> = Capped {
            first: first.map(|&position| self.names[position]).collect(),
            more: self.left.len().saturating_sub(NAMED),
        };
        self.bar.set_message(left.joined(|_| "…".to_owned()));
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
