//! The moment as a table for people.

use comfy_table::CellAlignment;

use super::view::{Line, Order, View};
use super::{cells, words};
use crate::formats::table;

impl View {
    /// The totals, the table, and below it what is wrong: a reason is a line of its own, however long it is.
    pub fn text(&self) -> String {
        let lines = self.lines(Order::Node);
        let rows = lines.iter().filter_map(|line| match line {
            Line::Gpu(node, gpu, is_first) => Some([
                if *is_first {
                    node.name.clone()
                } else {
                    String::new()
                },
                gpu.gpu.0.to_string(),
                cells::percent(gpu.percent),
                cells::blocks(&gpu.hour),
                cells::percent(gpu.vram),
                gpu.who(),
                gpu.task(),
                gpu.since(self),
                gpu.idle_for(),
            ]),
            Line::Problem(..) | Line::Remark(..) => None,
        });
        let rows: Vec<_> = rows.collect();
        let mut text = vec![self.head(&self.clock(self.now)), String::new()];
        if rows.is_empty() {
            text.push(self.nothing());
        } else {
            text.extend(table::lines(words::header(), rows, CellAlignment::Left));
        }
        let problems = lines.iter().filter_map(|line| self.text_of(*line));
        let problems: Vec<_> = self.task_lines().into_iter().chain(problems).collect();
        if !problems.is_empty() {
            text.push(String::new());
        }
        text.extend(problems);
        text.into_iter().map(|line| line + "\n").collect()
    }
}
