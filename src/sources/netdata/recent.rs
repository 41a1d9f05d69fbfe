//! The last minutes of a node, up to now on its agent's own clock.

use std::time::Instant;

use chrono_tz::Tz;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::json::{parse, with_odd_numbers};
use super::{Client, NodeError, NodeErrorReason, answer, is_without_data, query, with_readings};
use crate::model::{CardId, Node, NodeUsage, UnixSeconds, Window};

/// How far back is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stretch {
    /// The mean of the last ten seconds: the last one alone may not be stored yet.
    Now,
    /// The last hour, in twelve rows.
    Hour,
    /// The last day in rows as long, for a GPU that has been idle for the whole hour.
    Day,
}

impl Stretch {
    pub fn rows(self) -> u16 {
        match self {
            Self::Now => 1,
            Self::Hour => 12,
            Self::Day => 288,
        }
    }

    pub fn row_seconds(self) -> u32 {
        match self {
            Self::Now => 10,
            Self::Hour | Self::Day => 300,
        }
    }
}

#[derive(Debug)]
pub struct Recent {
    /// The end of the last row, on the agent's clock.
    pub until: UnixSeconds,
    /// A reading for each row of the stretch, oldest first.
    pub usage: NodeUsage,
}

/// What the agent made of the times that it was asked for.
#[derive(Deserialize)]
struct Times {
    before: UnixSeconds,
}

impl Client {
    /// What `node` has of the `stretch` up to now. It is asked once, and given up at the `deadline`.
    pub fn recent(
        &self,
        node: &Node,
        stretch: Stretch,
        zone: Tz,
        deadline: Instant,
    ) -> Result<Recent, NodeError> {
        let url = query::recent(&node.url, stretch.rows(), stretch.row_seconds());
        let answered = self.http.get(&url, &HeaderMap::new(), deadline);
        let recent = match answered {
            Ok(answered) => read(&answered.body, &node.cards, stretch, zone),
            Err(error) if is_without_data(&error) => Err(NodeErrorReason::NoReadings),
            Err(error) => Err(error.into()),
        };
        recent.map_err(|reason| NodeError::new(node, reason))
    }
}

fn read(
    body: &[u8],
    cards: &[CardId],
    stretch: Stretch,
    zone: Tz,
) -> Result<Recent, NodeErrorReason> {
    let Times { before } = with_odd_numbers(body, |body| parse(body))?;
    let window = Window::ending(zone, before, stretch.rows(), stretch.row_seconds());
    let usage = with_readings(answer::whole_node(body, cards, &window)?)?;
    Ok(Recent {
        until: before,
        usage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reading;
    use pretty_assertions::assert_eq;

    /// An answer with these rows of one card.
    fn answer(before: &str, rows: &str) -> String {
        format!(
            r#"{{"before":{before},"chart_ids":["amdgpu.gpu_utilization_unknown AMD GPU_card9","amdgpu.gpu_mem_vram_usage_perc_unknown AMD GPU_card9"],
            "result":{{"labels":["time","utilization","usage"],"data":[{rows}]}}}}"#
        )
    }

    fn read(body: &str, stretch: Stretch) -> Result<Recent, String> {
        let recent = super::read(body.as_bytes(), &[CardId(9)], stretch, Tz::UTC);
        recent.map_err(|reason| reason.to_string())
    }

    fn percent(value: f64) -> Option<Reading> {
        Reading::new(value)
    }

    #[test]
    fn one_row_is_now_whatever_second_it_ends_in() {
        let body = answer("1795219203", "[1795219203,37.5,null]");
        let recent = read(&body, Stretch::Now).expect("readings");
        let card = &recent.usage.cards[&CardId(9)];
        assert_eq!(recent.until, 1_795_219_203);
        assert_eq!((&card.gpu, &card.vram), (&vec![percent(37.5)], &vec![None]));
    }

    #[test]
    fn the_rows_of_the_hour_stand_in_the_order_of_time_and_a_gap_is_one() {
        let rows = [
            "[1795215903,1,1]",
            "[1795216203,null,2]",
            "[1795219203,12,12]",
        ];
        let body = answer("1795219203", &rows.join(","));
        let recent = read(&body, Stretch::Hour).expect("readings");
        let gpu = &recent.usage.cards[&CardId(9)].gpu;
        assert_eq!(gpu.len(), 12);
        assert_eq!(
            [gpu[0], gpu[1], gpu[11]],
            [percent(1.0), None, percent(12.0)]
        );
    }

    #[test]
    fn nothing_but_gaps_is_no_reading_and_what_cannot_be_read_says_so() {
        let none = read(
            &answer("1795219203", "[1795219203,null,null]"),
            Stretch::Now,
        );
        assert!(
            none.expect_err("no reading")
                .contains("沒有任何 AMD GPU 的讀數")
        );
        for body in ["", "[]", "{}", r#"{"before":"x"}"#] {
            read(body, Stretch::Now).expect_err(body);
        }
        for extreme in ["9223372036854775807", "-9223372036854775808"] {
            let row = format!("[{extreme},1,1]");
            let _ = read(&answer(extreme, &row), Stretch::Day);
        }
        let refused = read(
            &answer("1795219203", "[1795219203,150,1e999]"),
            Stretch::Now,
        );
        assert_eq!(refused.expect("an answer").usage.rejected.len(), 2);
    }
}
