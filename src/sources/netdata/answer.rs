//! What an agent's answer to `/api/v1/data` says about the cards of a node.

use std::fmt;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::NodeErrorReason;
use crate::model::{
    CardId, CardUsage, Metric, NodeUsage, Reading, RowPlace, UnixSeconds, Window, beginning,
};

/// How much is quoted of what stands in the place of a number.
const QUOTE_CHARS: usize = 20;

/// The answer with `jsonwrap`: `chart_ids[i]` names the chart of `result.labels[i + 1]`.
#[derive(Deserialize)]
struct Wrapped {
    chart_ids: Vec<String>,
    result: Table,
}

#[derive(Deserialize)]
struct Table {
    labels: Vec<String>,
    /// A row is the stamp of its interval's end and a value for each label.
    data: Vec<Vec<Cell>>,
}

enum Cell {
    Gap,
    Number(f64),
    /// What is no number, as it was written.
    Other(Box<str>),
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyCell;

        impl<'de> Visitor<'de> for AnyCell {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Gap)
            }

            fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell::Number(value))
            }

            #[expect(clippy::cast_precision_loss, reason = "readings and stamps are small")]
            fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
                Ok(Cell::Number(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "readings and stamps are small")]
            fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell::Number(value as f64))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
                Ok(Cell::Other(value.to_string().into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Other(beginning(text, QUOTE_CHARS).into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("[…]".into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
                while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("{…}".into()))
            }
        }

        deserializer.deserialize_any(AnyCell)
    }
}

/// Reads the answer to [`super::query::whole_node`].
pub fn whole_node(body: &[u8], window: &Window) -> Result<NodeUsage, NodeErrorReason> {
    let Wrapped { chart_ids, result } = parse_table(body)?;
    // An agent from 1.43 on that has nothing of the window in the tier that was asked for (netdata/facts.md §8).
    if chart_ids.is_empty() && result.data.is_empty() {
        return Ok(NodeUsage::default());
    }
    if result.labels.len() != chart_ids.len() + 1 {
        let (charts, labels) = (chart_ids.len(), result.labels.len());
        return Err(NodeErrorReason::Shape(format!(
            "chart_ids 有 {charts} 個，labels 有 {labels} 個"
        )));
    }
    let columns = chart_ids.iter().map(|id| chart_of(id)).collect::<Vec<_>>();
    let mut usage = NodeUsage::default();
    fill(&mut usage, &columns, &result, window);
    Ok(usage)
}

/// Reads the answer to [`super::query::one_chart`] into `usage`.
pub fn one_chart(
    body: &[u8],
    window: &Window,
    metric: Metric,
    card: CardId,
    usage: &mut NodeUsage,
) -> Result<(), NodeErrorReason> {
    let table: Table = parse_table(body)?;
    if table.labels.len() != 2 {
        return Err(NodeErrorReason::Shape(format!(
            "一張圖表應有一個數列，回應有 {} 個",
            table.labels.len().max(1) - 1
        )));
    }
    fill(usage, &[Some((metric, card))], &table, window);
    Ok(())
}

/// A table in which a number may be one that JSON does not have: `nan`, `-inf`, `1e999`.
fn parse_table<T: DeserializeOwned>(body: &[u8]) -> Result<T, NodeErrorReason> {
    parse(body).or_else(|error| {
        let text = std::str::from_utf8(body).ok();
        let quoted = text.filter(|_| matches!(error, NodeErrorReason::NotJson(_)));
        let quoted = quoted.map(quote_odd_numbers);
        quoted
            .and_then(|text| parse(text.as_bytes()).ok())
            .ok_or(error)
    })
}

/// The text with quotation marks around numbers that JSON does not have.
fn quote_odd_numbers(text: &str) -> String {
    let ends_word = |c: char| c.is_ascii_whitespace() || "[]{},:".contains(c);
    let is_odd = |word: &str| {
        let number = word.parse::<f64>();
        number.is_ok_and(|number| !number.is_finite())
    };
    let mut quoted = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '"' => string_end(rest),
            c if ends_word(c) => c.len_utf8(),
            _ => rest
                .find(|c| ends_word(c) || c == '"')
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        if is_odd(word) {
            quoted.extend(["\"", word, "\""]);
        } else {
            quoted.push_str(word);
        }
        rest = after;
    }
    quoted
}

/// Where the string that `text` begins with ends.
fn string_end(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' if !is_escaped => return at + 1,
            b'\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    text.len()
}

pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, NodeErrorReason> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            NodeErrorReason::Shape(error.to_string())
        } else {
            NodeErrorReason::NotJson(error.to_string())
        }
    })
}

/// The metric and the card of a chart's id or name: only the context before the product's name and the card after
/// it are stable. The id has spaces where the name has underscores (netdata/facts.md §0).
pub fn chart_of(id: &str) -> Option<(Metric, CardId)> {
    let (before, card) = id.rsplit_once("_card")?;
    let is_known = |metric: &Metric| {
        let product = before.strip_prefix(metric.context());
        product.is_some_and(|product| product.starts_with(['_', ' ']))
    };
    let metric = Metric::ALL.into_iter().find(is_known)?;
    Some((metric, CardId(card.parse().ok()?)))
}

fn fill(
    usage: &mut NodeUsage,
    columns: &[Option<(Metric, CardId)>],
    table: &Table,
    window: &Window,
) {
    for row in &table.data {
        let (stamp, values) = match &row[..] {
            [Cell::Number(stamp), values @ ..] if values.len() == columns.len() => (stamp, values),
            [Cell::Number(_), ..] => {
                usage.reject_row(|| "回應有一列的欄位數與 labels 不符".to_owned());
                continue;
            }
            _ => {
                usage.reject_row(|| "回應有一列沒有時間戳".to_owned());
                continue;
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "`as` saturates, and such a stamp lies outside any day"
        )]
        let stamp = *stamp as UnixSeconds;
        match window.place(stamp) {
            RowPlace::Slot(slot) => fill_slot(usage, columns, values, window, (slot, stamp)),
            RowPlace::OffGrid => usage.reject_row(|| {
                let (stamp, interval) = (window.clock(stamp), window.interval);
                format!("回應的時間戳 {stamp} 不在 {interval} 的區間界線上（請檢查該節點的時鐘）")
            }),
            RowPlace::Outside => {}
        }
    }
}

fn fill_slot(
    usage: &mut NodeUsage,
    columns: &[Option<(Metric, CardId)>],
    values: &[Cell],
    window: &Window,
    (slot, stamp): (usize, UnixSeconds),
) {
    for (column, value) in columns.iter().zip(values) {
        let &Some((metric, card)) = column else {
            continue;
        };
        let reading = match value {
            Cell::Gap => continue,
            Cell::Number(value) => Reading::new(*value).ok_or_else(|| value.to_string()),
            Cell::Other(text) => Err(text.to_string()),
        };
        match reading {
            Ok(reading) => {
                let none = || CardUsage::without_readings(window.due());
                let card = usage.cards.entry(card).or_insert_with(none);
                // Where a product's name changed during the day, a card has two charts of one metric, and each fills
                // the gaps of the other.
                card.series_mut(metric)[slot].get_or_insert(reading);
            }
            Err(text) => {
                usage.rejected.entry((card, metric, stamp)).or_insert(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Interval;
    use chrono_tz::Tz;
    use proptest::prelude::*;

    macro_rules! recorded {
        ($file:literal) => {
            include_bytes!(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/fixtures/netdata/recorded/",
                $file
            ))
        };
    }

    fn window(date: &str) -> Window {
        let date = date.parse().expect("a date");
        Window::new(date, Tz::UTC, Interval::DEFAULT, 1_900_000_000).expect("a window")
    }

    fn gpu_readings(usage: &NodeUsage, card: u64) -> usize {
        usage.cards[&CardId(card)].gpu.iter().flatten().count()
    }

    #[test]
    fn both_versions_answer_a_whole_node() {
        // What amdgpu_fake.plugin fed: card 9 has a gap of an hour, and card 57 begins at noon, of which 2.8 lost
        // the first minutes (netdata/facts.md §7c).
        for (body, version, of_card57) in [
            (&recorded!("v1.37.1-data-jsonwrap.json")[..], "1.37.1", 72),
            (&recorded!("v2.8.0-data-jsonwrap.json")[..], "2.8.0", 67),
        ] {
            let usage = whole_node(body, &window("2026-11-20")).expect(version);
            let cards: Vec<_> = usage.cards.keys().map(|card| card.0).collect();
            assert_eq!(cards, [1, 9, 17, 25, 33, 41, 49, 57], "{version}");
            let found: Vec<_> = cards
                .iter()
                .map(|&card| gpu_readings(&usage, card))
                .collect();
            assert_eq!(
                found,
                [144, 138, 144, 144, 144, 144, 144, of_card57],
                "{version}"
            );
            let gappy = &usage.cards[&CardId(9)];
            assert_eq!(
                (gappy.gpu[143].map(Reading::percent), gappy.gpu[20]),
                (Some(16.001_666_7), None),
                "{version}"
            );
            assert!(gappy.vram[143].is_some());
        }
    }

    #[test]
    fn an_answer_without_charts_has_no_data() {
        let older = recorded!("v2.11.0-data-day-older-than-tier0.json");
        let usage = whole_node(older, &window("2026-11-19")).expect("an answer");
        assert!(usage.is_empty() && usage.may_lack_old_readings(&[CardId(1)]));
        let coarse = recorded!("v2.11.0-data-day-from-tier1.json");
        let usage = whole_node(coarse, &window("2026-11-19")).expect("an answer");
        assert_eq!(gpu_readings(&usage, 1), 144);
    }

    #[test]
    fn rows_of_the_day_before_are_dropped() {
        let day = window("2025-08-02");
        let usage =
            whole_node(recorded!("v1.37.1-context-today-shifted.json"), &day).expect("an answer");
        assert!(!usage.cards.is_empty());
        for (card, readings) in &usage.cards {
            let rows = readings.gpu.iter().flatten().count();
            assert_eq!(
                rows, 56,
                "card {card}: 09:20 was the last row, and midnight's belongs to the day before"
            );
        }
    }

    #[test]
    fn one_chart_is_read_newest_first_or_last() {
        for (body, day, found) in [
            (&recorded!("v1.37.1-data-card9.json")[..], "2026-11-20", 138),
            (&recorded!("v2.8.0-data-card9.json")[..], "2026-11-20", 138),
            (
                &recorded!("v1.37.1-data-card9-today-shifted.json")[..],
                "2025-08-02",
                56,
            ),
            (
                &recorded!("v1.37.1-util-card9-full-day.json")[..],
                "2025-08-01",
                144,
            ),
        ] {
            let mut usage = NodeUsage::default();
            one_chart(body, &window(day), Metric::Gpu, CardId(9), &mut usage).expect(day);
            assert_eq!(gpu_readings(&usage, 9), found, "{day}");
        }
    }

    #[test]
    fn a_chart_that_starts_mid_day_has_gaps_before() {
        let mut usage = NodeUsage::default();
        let body = recorded!("v1.37.1-data-card9-starts-mid-day.json");
        one_chart(
            body,
            &window("2025-07-31"),
            Metric::Gpu,
            CardId(9),
            &mut usage,
        )
        .expect("an answer");
        assert_eq!(gpu_readings(&usage, 9), 24);
    }

    #[test]
    fn charts_are_known_by_context_and_card_alone() {
        for (id, chart) in [
            (
                "amdgpu.gpu_utilization_unknown AMD GPU_card9",
                Some((Metric::Gpu, CardId(9))),
            ),
            (
                "amdgpu.gpu_utilization_Instinct_MI300X_card57",
                Some((Metric::Gpu, CardId(57))),
            ),
            (
                "amdgpu.gpu_mem_vram_usage_perc_unknown AMD GPU_card1",
                Some((Metric::Vram, CardId(1))),
            ),
            ("amdgpu.gpu_mem_vram_usage_unknown AMD GPU_card1", None),
            ("amdgpu.gpu_utilization_unknown AMD GPU_card", None),
            ("system.cpu", None),
        ] {
            assert_eq!(chart_of(id), chart, "{id}");
        }
    }

    fn answered(values: &str) -> Result<NodeUsage, NodeErrorReason> {
        let ids = "\"amdgpu.gpu_utilization_X_card1\",\"amdgpu.gpu_utilization_Y_card1\"";
        let labels = "\"time\",\"utilization\",\"utilization\"";
        let body = format!(
            "{{\"chart_ids\":[{ids}],\"result\":{{\"labels\":[{labels}],\"data\":[{values}]}}}}"
        );
        whole_node(body.as_bytes(), &window("2025-08-01"))
    }

    #[test]
    fn a_reading_that_is_no_percentage_is_rejected_and_named() {
        let usage = answered("[1754007000,150.5,null],[1754007600,null,-1]").expect("an answer");
        let place = |stamp| (CardId(1), Metric::Gpu, stamp);
        let expected = [
            (place(1_754_007_000), "150.5".to_owned()),
            (place(1_754_007_600), "-1".to_owned()),
        ];
        assert_eq!(usage.rejected, expected.into());
        assert!(usage.cards.is_empty());
    }

    #[test]
    fn what_is_no_number_costs_one_reading() {
        for (text, named) in [
            ("nan", "nan"),
            ("-nan", "-nan"),
            ("NaN", "NaN"),
            ("inf", "inf"),
            ("-Infinity", "-Infinity"),
            ("1e999", "1e999"),
            ("\"NaN\"", "NaN"),
            ("\"12\"", "12"),
            ("\"a, \\\" nan\"", "a, \" nan"),
            ("true", "true"),
            ("[nan]", "[…]"),
            ("{\"nan\":inf}", "{…}"),
            (
                "\"a text that is longer than a number\"",
                "a text that is longe…",
            ),
        ] {
            let rows = format!("[1754007000,{text},null],[1754007600,nan,2],[1754008200,3,null]");
            let usage = answered(&rows).expect(text);
            let rejected: Vec<_> = usage.rejected.values().map(String::as_str).collect();
            assert_eq!(rejected, [named, "nan"]);
            assert_eq!(gpu_readings(&usage, 1), 2, "{text}");
        }
    }

    #[test]
    fn a_row_that_is_none_of_the_window_costs_itself() {
        for (row, problem) in [
            ("[1754007001,1,2]", "不在 10m 的區間界線上"),
            ("[1754007000,1]", "欄位數"),
            ("[]", "沒有時間戳"),
            ("[null,1,2]", "沒有時間戳"),
            ("[\"midnight\",1,2]", "沒有時間戳"),
            ("[nan,1,2]", "沒有時間戳"),
        ] {
            let usage = answered(&format!("{row},[1754007600,3,null],{row}")).expect(row);
            let rows = usage.rejected_rows.as_ref().expect(row);
            assert!(rows.problem.contains(problem), "{row}: {}", rows.problem);
            assert_eq!((rows.count, gpu_readings(&usage, 1)), (2, 1), "{row}");
        }
    }

    #[test]
    fn charts_of_one_card_fill_each_others_gaps() {
        let usage = answered("[1754007000,1,null],[1754007600,null,2],[1754008200,3,4]")
            .expect("an answer");
        let values: Vec<_> = usage.cards[&CardId(1)]
            .gpu
            .iter()
            .flatten()
            .map(|reading| reading.percent())
            .collect();
        assert_eq!(values, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        let rows = "[1754007000,1,2],1754007600";
        assert!(matches!(answered(rows), Err(NodeErrorReason::Shape(_))));
        assert!(matches!(
            answered("[1754007000,1,2"),
            Err(NodeErrorReason::NotJson(_))
        ));
        for (body, is_json) in [
            (&b"<html>"[..], false),
            (b"", false),
            (b"[]", true),
            (b"{}", true),
            (b"null", true),
        ] {
            let error = whole_node(body, &window("2025-08-01")).expect_err("an error");
            assert_eq!(
                matches!(error, NodeErrorReason::Shape(_)),
                is_json,
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(body in prop::collection::vec(any::<u8>(), 0..200), stamp in any::<f64>()) {
            let _ = whole_node(&body, &window("2025-08-01"));
            let _ = answered(&format!("[{stamp},1,2]"));
        }
    }
}
