//! What an agent's answer to `/api/v1/data` says about the cards of a node.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::NodeErrorReason;
use super::json::{Cell, Count, ForEach, parse, walk, with_odd_numbers};
use crate::model::{CardId, CardUsage, Metric, NodeUsage, Reading, RowPlace, UnixSeconds, Window};

/// How many charts of a node's cards are read. A card has one a metric, and one more for each new name of its product.
const CHARTS_LIMIT: usize = 4096;

/// The answer with `jsonwrap`: `chart_ids[i]` names the chart of `result.labels[i + 1]`. What can be long is read as it
/// is walked through, so that no answer takes more memory than its text and what is wanted of it.
#[derive(Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow)]
    chart_ids: &'a RawValue,
    #[serde(borrow)]
    result: Table<'a>,
}

#[derive(Deserialize)]
struct Table<'a> {
    labels: Count,
    /// A row is the stamp of its interval's end and a value for each label.
    #[serde(borrow)]
    data: &'a RawValue,
}

/// The columns of an answer, as far as they are of a node's cards.
#[derive(Default)]
struct Columns {
    count: usize,
    /// The places of the wanted ones in a row, after its stamp.
    wanted: Vec<(usize, (Metric, CardId))>,
    charted: BTreeSet<(Metric, CardId)>,
    /// What has more than one chart, because the name of the card's product has changed.
    renamed: BTreeSet<(Metric, CardId)>,
    other_cards: BTreeSet<CardId>,
}

/// Reads the answer to [`super::query::whole_node`] about `cards`, and counts the other cards.
pub fn whole_node(
    body: &[u8],
    cards: &[CardId],
    window: &Window,
) -> Result<NodeUsage, NodeErrorReason> {
    with_odd_numbers(body, |body| {
        let Wrapped { chart_ids, result } = parse(body)?;
        let mut columns = Columns::default();
        let add = |id: Cow<str>| columns.add(&id, cards);
        walk(chart_ids, ForEach::new(add))?;
        let mut usage = NodeUsage::default();
        // An agent from 1.43 on that has nothing of the window in the tier that was asked for (netdata/facts.md §8).
        if columns.count == 0 && parse::<Count>(result.data.get().as_bytes())?.0 == 0 {
            return Ok(usage);
        }
        let (charts, labels) = (columns.count, result.labels.0);
        if labels != charts + 1 {
            return Err(NodeErrorReason::Shape(format!(
                "chart_ids 有 {charts} 個，labels 有 {labels} 個"
            )));
        }
        if columns.wanted.len() > CHARTS_LIMIT {
            let charts = columns.wanted.len();
            return Err(NodeErrorReason::Shape(format!(
                "這個節點的卡有 {charts} 張圖表"
            )));
        }
        fill(&mut usage, &columns, result.data, window)?;
        usage.other_cards = columns.other_cards.into_iter().collect();
        Ok(usage)
    })
}

/// Reads the answer to [`super::query::one_chart`] into `usage`.
pub fn one_chart(
    body: &[u8],
    window: &Window,
    metric: Metric,
    card: CardId,
    usage: &mut NodeUsage,
) -> Result<(), NodeErrorReason> {
    with_odd_numbers(body, |body| {
        let table: Table = parse(body)?;
        let Count(labels) = table.labels;
        if labels != 2 {
            let series = labels.max(1) - 1;
            return Err(NodeErrorReason::Shape(format!(
                "一張圖表應有一個數列，回應有 {series} 個"
            )));
        }
        let columns = Columns {
            count: 1,
            wanted: vec![(0, (metric, card))],
            ..Columns::default()
        };
        fill(usage, &columns, table.data, window)
    })
}

impl Columns {
    fn add(&mut self, id: &str, cards: &[CardId]) {
        match chart_of(id) {
            Some(chart) if cards.contains(&chart.1) => {
                if !self.charted.insert(chart) {
                    self.renamed.insert(chart);
                }
                self.wanted.push((self.count, chart));
            }
            Some((_, card)) if self.other_cards.len() < CHARTS_LIMIT => {
                self.other_cards.insert(card);
            }
            _ => {}
        }
        self.count += 1;
    }

    /// What two charts have a value of in the row: each is the mean of the part before or after the change of the name.
    fn in_part(&self, row: &Row) -> BTreeSet<(Metric, CardId)> {
        let (mut once, mut in_part) = (BTreeSet::new(), BTreeSet::new());
        for ((_, chart), value) in self.wanted.iter().zip(&row.wanted) {
            if self.renamed.contains(chart)
                && matches!(value, Cell::Number(_))
                && !once.insert(*chart)
            {
                in_part.insert(*chart);
            }
        }
        in_part
    }
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
    columns: &Columns,
    rows: &RawValue,
    window: &Window,
) -> Result<(), NodeErrorReason> {
    walk(
        rows,
        Rows {
            usage,
            columns,
            window,
        },
    )
}

struct Rows<'a> {
    usage: &'a mut NodeUsage,
    columns: &'a Columns,
    window: &'a Window,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        while let Some(row) = rows.next_element_seed(self.columns)? {
            fill_row(self.usage, self.columns, row, self.window);
        }
        Ok(())
    }
}

/// A row of a table: its stamp, the wanted values in their order, and how many values there are.
struct Row {
    stamp: Option<Cell>,
    wanted: Vec<Cell>,
    values: usize,
}

impl<'de> DeserializeSeed<'de> for &Columns {
    type Value = Row;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Row, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// What stands in the place of a row and is no list has no stamp either.
const NO_ROW: Row = Row {
    stamp: None,
    wanted: Vec::new(),
    values: 0,
};

impl<'de> Visitor<'de> for &Columns {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_unit<E>(self) -> Result<Row, E> {
        Ok(NO_ROW)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Row, E> {
        Ok(NO_ROW)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Row, E> {
        Ok(NO_ROW)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Row, E> {
        Ok(NO_ROW)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Row, E> {
        Ok(NO_ROW)
    }

    fn visit_str<E>(self, _: &str) -> Result<Row, E> {
        Ok(NO_ROW)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Row, A::Error> {
        while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(NO_ROW)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<Row, A::Error> {
        let mut row = Row {
            stamp: cells.next_element()?,
            wanted: Vec::with_capacity(self.wanted.len()),
            values: 0,
        };
        loop {
            let next_wanted = self.wanted.get(row.wanted.len());
            let is_wanted = next_wanted.is_some_and(|(at, _)| *at == row.values);
            let is_there = if is_wanted {
                let cell = cells.next_element()?;
                let is_there = cell.is_some();
                row.wanted.extend(cell);
                is_there
            } else {
                cells.next_element::<IgnoredAny>()?.is_some()
            };
            if !is_there {
                return Ok(row);
            }
            row.values += 1;
        }
    }
}

fn fill_row(usage: &mut NodeUsage, columns: &Columns, row: Row, window: &Window) {
    let Some(Cell::Number(stamp)) = row.stamp else {
        return usage.reject_row(|| "回應有一列沒有時間戳".to_owned());
    };
    if row.values != columns.count {
        return usage.reject_row(|| "回應有一列的欄位數與 labels 不符".to_owned());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "`as` saturates, and such a stamp lies outside any day"
    )]
    let stamp = stamp as UnixSeconds;
    match window.place(stamp) {
        RowPlace::Slot(slot) => {
            let in_part = columns.in_part(&row);
            let charts = columns.wanted.iter().map(|(_, chart)| *chart);
            let values = charts.zip(row.wanted);
            let values = values.filter(|(chart, _)| !in_part.contains(chart));
            fill_slot(usage, values, window, (slot, stamp));
            let in_part = in_part.iter().map(|(metric, card)| (*card, *metric, slot));
            usage.in_part.extend(in_part);
        }
        RowPlace::OffGrid => usage.reject_row(|| {
            let (stamp, interval) = (window.clock(stamp), window.interval);
            format!("回應的時間戳 {stamp} 不在 {interval} 的區間界線上（請檢查該節點的時鐘）")
        }),
        RowPlace::Outside => {}
    }
}

fn fill_slot(
    usage: &mut NodeUsage,
    values: impl Iterator<Item = ((Metric, CardId), Cell)>,
    window: &Window,
    (slot, stamp): (usize, UnixSeconds),
) {
    for ((metric, card), value) in values {
        let reading = match value {
            Cell::Gap => continue,
            Cell::Number(value) => Reading::new(value).ok_or_else(|| value.to_string()),
            Cell::Other(text) => Err(text.into()),
        };
        match reading {
            Ok(reading) => {
                let none = || CardUsage::without_readings(window.due());
                let card = usage.cards.entry(card).or_insert_with(none);
                // Where a product's name changed during the day, each of the two charts fills the gaps of the other.
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

    /// Those of the recorded agents.
    const ALL: &[CardId] = &[
        CardId(1),
        CardId(9),
        CardId(17),
        CardId(25),
        CardId(33),
        CardId(41),
        CardId(49),
        CardId(57),
    ];

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
            let usage = whole_node(body, ALL, &window("2026-11-20")).expect(version);
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
        let usage = whole_node(older, ALL, &window("2026-11-19")).expect("an answer");
        assert!(usage.is_empty() && usage.may_lack_old_readings(&[CardId(1)]));
        let coarse = recorded!("v2.11.0-data-day-from-tier1.json");
        let usage = whole_node(coarse, ALL, &window("2026-11-19")).expect("an answer");
        assert_eq!(gpu_readings(&usage, 1), 144);
    }

    #[test]
    fn rows_of_the_day_before_are_dropped() {
        let day = window("2025-08-02");
        let usage = whole_node(recorded!("v1.37.1-context-today-shifted.json"), ALL, &day)
            .expect("an answer");
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
        whole_node(body.as_bytes(), ALL, &window("2025-08-01"))
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
            ("null", "沒有時間戳"),
            ("{}", "沒有時間戳"),
            ("{\"a\":[1]}", "沒有時間戳"),
            ("7", "沒有時間戳"),
            ("-7", "沒有時間戳"),
            ("0.7", "沒有時間戳"),
            ("true", "沒有時間戳"),
            ("nan", "沒有時間戳"),
        ] {
            let usage = answered(&format!("{row},[1754007600,3,null],{row}")).expect(row);
            let rows = usage.rejected_rows.as_ref().expect(row);
            assert!(rows.problem.contains(problem), "{row}: {}", rows.problem);
            assert_eq!((rows.count, gpu_readings(&usage, 1)), (2, 1), "{row}");
        }
    }

    #[test]
    fn cards_that_the_node_is_not_said_to_have_are_counted() {
        let body = recorded!("v1.37.1-data-jsonwrap.json");
        let usage = whole_node(body, &ALL[..2], &window("2026-11-20")).expect("an answer");
        assert_eq!(usage.cards.keys().collect::<Vec<_>>(), [&ALL[0], &ALL[1]]);
        assert_eq!(usage.other_cards.first, ALL[2..]);
        let charts: Vec<_> = (100..120)
            .map(|card| format!("\"amdgpu.gpu_utilization_X_card{card}\""))
            .collect();
        let (ids, labels) = (charts.join(","), "\"l\",".repeat(20));
        let body = format!(
            "{{\"chart_ids\":[{ids}],\"result\":{{\"labels\":[{labels}\"l\"],\"data\":[[1754007000{}]]}}}}",
            ",1".repeat(20)
        );
        let usage = whole_node(body.as_bytes(), ALL, &window("2025-08-01")).expect("an answer");
        assert!(usage.cards.is_empty() && !usage.is_empty());
        assert_eq!(
            (usage.other_cards.first.len(), usage.other_cards.more),
            (12, 8)
        );
    }

    #[test]
    fn charts_without_end_of_one_card_are_no_answer() {
        let ids = vec!["\"amdgpu.gpu_utilization_X_card1\""; CHARTS_LIMIT + 1].join(",");
        let labels = vec!["\"l\""; CHARTS_LIMIT + 2].join(",");
        let body =
            format!("{{\"chart_ids\":[{ids}],\"result\":{{\"labels\":[{labels}],\"data\":[]}}}}");
        let error = whole_node(body.as_bytes(), ALL, &window("2025-08-01")).expect_err("too many");
        assert!(error.to_string().contains("4097 張圖表"), "{error}");
    }

    #[test]
    fn charts_of_one_card_fill_each_others_gaps() {
        let usage = answered("[1754007000,1,null],[1754007600,null,2]").expect("an answer");
        let values: Vec<_> = usage.cards[&CardId(1)]
            .gpu
            .iter()
            .flatten()
            .map(|reading| reading.percent())
            .collect();
        assert_eq!(values, [1.0, 2.0]);
    }

    #[test]
    fn a_row_of_which_two_charts_hold_a_part_each_is_a_gap() {
        let rows = "[1754007000,1,null],[1754007600,3,4],[1754008200,null,5],[1754008800,\"?\",6]";
        let usage = answered(rows).expect("an answer");
        let values = usage.cards[&CardId(1)].gpu.iter();
        let values: Vec<_> = values
            .take(4)
            .map(|reading| reading.map(Reading::percent))
            .collect();
        assert_eq!(values, [Some(1.0), None, Some(5.0), Some(6.0)]);
        assert_eq!(usage.in_part, [(CardId(1), Metric::Gpu, 1)].into());
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
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
            let error = whole_node(body, ALL, &window("2025-08-01")).expect_err("an error");
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
            let _ = whole_node(&body, ALL, &window("2025-08-01"));
            let _ = answered(&format!("[{stamp},1,2]"));
        }
    }
}
