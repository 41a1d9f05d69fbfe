//! What an agent's answer to `/api/v1/data` says about the cards of a node.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::NodeErrorReason;
use super::json::{Cell, Count, ForEach, parse, walk, with_odd_numbers};
use crate::model::{
    CardId, CardUsage, Metric, NodeUsage, Reading, RowPlace, UnixSeconds, Window, said, text,
};

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
            return Err(NodeErrorReason::Shape(said!(
                "chart_ids 有 {charts} 個，labels 有 {labels} 個",
                "{charts} in chart_ids, {labels} in labels"
            )));
        }
        if columns.wanted.len() > CHARTS_LIMIT {
            let charts = columns.wanted.len();
            return Err(NodeErrorReason::Shape(said!(
                "這個節點的卡有 {charts} 張圖表",
                "the node's cards have {charts} charts"
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
            return Err(NodeErrorReason::Shape(said!(
                "一張圖表應有一個數列，回應有 {series} 個",
                "a chart has one series, but the answer has {series}"
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
        return usage.reject_row(|| {
            let problem = text(
                "回應有一列沒有時間戳",
                "a row of the answer has no timestamp",
            );
            problem.to_owned()
        });
    };
    if row.values != columns.count {
        return usage.reject_row(|| {
            let problem = text(
                "回應有一列的欄位數與 labels 不符",
                "a row of the answer does not have as many columns as labels",
            );
            problem.to_owned()
        });
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
            said!(
                "回應的時間戳 {stamp} 不在 {interval} 的區間界線上（請檢查該節點的時鐘）",
                "the timestamp {stamp} in the answer is not at the end of an interval of {interval} (check the node's clock)"
            )
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
mod tests;
