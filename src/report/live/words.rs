//! What is said above, between and below the GPUs.

use super::view::Line;
use super::{NodeView, View};
use crate::model::{said, text};

/// The names of the columns.
pub fn header() -> [&'static str; 9] {
    [
        text("節點", "node"),
        "GPU",
        text("使用率", "GPU %"),
        text("過去一小時", "last hour"),
        "VRAM",
        text("使用者", "user"),
        text("任務", "task"),
        text("開始", "since"),
        text("閒置", "idle"),
    ]
}

impl View {
    /// How many GPUs do what at a moment, as `clock` has it.
    pub fn head(&self, clock: &str) -> String {
        let totals = self.totals;
        let (nodes, all) = (totals.nodes_answered, self.nodes.len());
        let (gpus, held, active) = (totals.gpus, totals.held, totals.active);
        let (idle, without) = (totals.idle, totals.without_reading);
        said!(
            "{clock}  節點 {nodes}/{all}  GPU {gpus}  佔用 {held}  使用中 {active}  閒置 {idle}  無讀數 {without}",
            "{clock}  nodes {nodes}/{all}  GPUs {gpus}  held {held}  active {active}  idle {idle}  no reading {without}"
        )
    }

    /// In place of a list without a GPU.
    pub fn nothing(&self) -> String {
        match &self.user {
            Some(_) if self.tasks.is_awaited() => "…".to_owned(),
            Some(user) if self.tasks.problem.is_some() => said!(
                "任務不明，不知道 {user} 是否佔用 GPU",
                "tasks unknown: which GPUs '{user}' holds is not known"
            ),
            Some(user) => said!("{user} 現在沒有佔用 GPU", "{user} holds no GPU now"),
            None => text("沒有 GPU", "no GPUs").to_owned(),
        }
    }

    /// What is wrong with the task information, if anything is.
    pub fn task_lines(&self) -> Vec<String> {
        let problem = self.tasks_problem();
        let remarks = self.tasks.remarks.iter().cloned();
        problem.into_iter().chain(remarks).collect()
    }

    /// A node's problem, and how old its values are; the same as it stands below a table.
    pub fn problem(&self, node: &NodeView, problem: &str) -> String {
        let name = &node.name;
        match node.answered_at {
            None => said!("{name}：{problem}", "{name}: {problem}"),
            Some(at) => {
                let age = age(self.age(at));
                said!(
                    "{name}：{problem}（灰色的數值是 {age}前的）",
                    "{name}: {problem} (the grey values are {age} old)"
                )
            }
        }
    }

    /// The text of a line that is no GPU's.
    pub fn text_of(&self, line: Line) -> Option<String> {
        match line {
            Line::Problem(node, problem) => Some(self.problem(node, problem)),
            Line::Remark(node, remark) => {
                let name = &node.name;
                Some(said!("{name}：{remark}", "{name}: {remark}"))
            }
            Line::Gpu(..) => None,
        }
    }
}

fn age(seconds: i64) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => said!("{rest} 秒", "{rest} s"),
        (0, _) => said!("{minutes} 分 {rest} 秒", "{minutes} min {rest} s"),
        _ => said!("{hours} 小時 {minutes} 分", "{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;
    use pretty_assertions::assert_eq;

    #[test]
    fn an_age_has_two_units_at_most() {
        let ages = [5, 65, 3_725].map(age);
        assert_eq!(ages, ["5 秒", "1 分 5 秒", "1 小時 2 分"]);
        let ages = Language::English.in_it(|| [5, 65, 3_725].map(age));
        assert_eq!(ages, ["5 s", "1 min 5 s", "1 h 2 min"]);
    }
}
