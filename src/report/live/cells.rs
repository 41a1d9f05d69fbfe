//! What stands in the cells of a GPU, in words and figures that fit a terminal.

use super::{GpuView, Holding, IdleFor, View};
use crate::model::{Reading, text};

/// A gap, where a figure would be.
pub const GAP: &str = "—";

pub fn percent(reading: Option<Reading>) -> String {
    reading.map_or_else(
        || GAP.to_owned(),
        |reading| format!("{:.1}%", reading.percent()),
    )
}

/// A block for each row of the hour, the higher the more: a point is a gap.
pub fn blocks(rows: &[Option<Reading>]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let block = |row: &Option<Reading>| {
        let Some(reading) = row else { return '·' };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a percentage of seven is at most seven"
        )]
        let height = (reading.percent() / 100.0 * 7.0).round() as usize;
        BLOCKS[height.min(7)]
    };
    rows.iter().map(block).collect()
}

/// Hours and minutes.
pub fn idle(idle: IdleFor) -> String {
    let minutes = idle.seconds / 60;
    let sign = if idle.is_at_least { "≥" } else { "" };
    format!("{sign}{}:{:02}", minutes / 60, minutes % 60)
}

impl GpuView {
    /// Who holds it, or that nobody does, or that this is not known.
    pub fn who(&self) -> String {
        match &self.holding {
            Holding::Held(_) => self.users().collect::<Vec<_>>().join(";"),
            Holding::Unused => text("未使用", "unused").to_owned(),
            Holding::Unknown => text("任務不明", "task unknown").to_owned(),
        }
    }

    /// The first task and its type, and how many others there are.
    pub fn task(&self) -> String {
        let [first, others @ ..] = self.holders() else {
            return String::new();
        };
        let kind = first.kind.as_ref();
        let kind = kind.map_or_else(String::new, |kind| format!(" {kind}"));
        let others = match others.len() {
            0 => String::new(),
            count => format!(" +{count}"),
        };
        format!("{}{kind}{others}", first.task)
    }

    pub fn since(&self, view: &View) -> String {
        let since = self.holders().iter().map(|holder| holder.since).min();
        since.map_or_else(String::new, |since| view.moment(since))
    }

    pub fn idle_for(&self) -> String {
        self.idle.map_or_else(String::new, idle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_block_is_as_high_as_its_reading() {
        let rows = [
            Some(0.0),
            Some(7.1),
            Some(7.2),
            Some(50.0),
            None,
            Some(92.8),
            Some(92.9),
            Some(100.0),
        ];
        let rows = rows.map(|row| row.and_then(Reading::new));
        assert_eq!(blocks(&rows), "▁▁▂▅·▇██");
    }

    #[test]
    fn figures_are_short() {
        for (reading, expected) in [(None, "—"), (Some(0.04), "0.0%"), (Some(100.0), "100.0%")] {
            assert_eq!(percent(reading.and_then(Reading::new)), expected);
        }
        for (seconds, is_at_least, expected) in [
            (0, false, "0:00"),
            (3_599, false, "0:59"),
            (86_400, true, "≥24:00"),
            (360_060, false, "100:01"),
        ] {
            let of = IdleFor {
                seconds,
                is_at_least,
            };
            assert_eq!(idle(of), expected);
        }
    }
}
