//! Which card the files of a node's day are of: a GPU's file does not say, and settings change.
//!
//! What the program writes it records, in `.daily-gpu-log/cards/<date>.json`. Of files from before, such as those of
//! the old programs, there are only the names and the summary.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::model::{CardId, GpuFileNumber, GpuIndex, if_there, said, text};
use crate::settings::regular_file::{self, NOT_REGULAR};

/// What a run has recorded of the files that it wrote into a node's directory.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CardRecord {
    pub gpu_files: GpuFileNumber,
    pub cards: Vec<CardId>,
}

impl CardRecord {
    /// The card of the file of this number.
    fn card_of(&self, number: u64) -> Option<CardId> {
        let card = CardId(number);
        match self.gpu_files {
            GpuFileNumber::Index => self.cards.get(usize::try_from(number).ok()?).copied(),
            GpuFileNumber::Card => self.cards.contains(&card).then_some(card),
        }
    }
}

/// The nodes whose files are of the same cards.
#[derive(Serialize, Deserialize)]
struct NodesOfRecord {
    #[serde(flatten)]
    record: CardRecord,
    nodes: Vec<String>,
}

/// The records of a day by node. A file that cannot be read holds none.
pub fn records_from_json(file: &[u8]) -> BTreeMap<String, CardRecord> {
    let records: Vec<NodesOfRecord> = serde_json::from_slice(file).unwrap_or_default();
    let each = |NodesOfRecord { record, nodes }: NodesOfRecord| {
        nodes.into_iter().map(move |node| (node, record.clone()))
    };
    records.into_iter().flat_map(each).collect()
}

pub fn records_to_json(records: BTreeMap<String, CardRecord>) -> Vec<u8> {
    let mut nodes: BTreeMap<CardRecord, Vec<String>> = BTreeMap::new();
    for (node, record) in records {
        nodes.entry(record).or_default().push(node);
    }
    let records = nodes.into_iter();
    let records = records.map(|(record, nodes)| NodesOfRecord { record, nodes });
    serde_json::to_vec(&records.collect::<Vec<_>>()).expect("a record has string keys alone")
}

/// What is known of a node's directory.
#[derive(Debug, Default)]
pub struct Layout {
    record: Option<CardRecord>,
    /// The numbers in the names of GPU files.
    numbers: Vec<u64>,
    /// The cards by index, as the summary has them.
    summary: BTreeMap<GpuIndex, CardId>,
}

impl Layout {
    /// Reads the directory, which need not exist, and adds what was recorded of it.
    pub fn of(directory: &Path, date: NaiveDate, record: Option<CardRecord>) -> io::Result<Self> {
        let mut layout = Self {
            record,
            ..Self::default()
        };
        let end = format!("_{date}.csv");
        for entry in if_there(fs::read_dir(directory))?.into_iter().flatten() {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| number(name, &end));
            layout.numbers.extend(number);
        }
        let summary = match regular_file::read(&directory.join(format!("summary_{date}.txt"))) {
            // A directory in its place is an error once the summary is to be written.
            Err(error) if error.kind() == io::ErrorKind::IsADirectory => None,
            // It says nothing, and a new one takes its place.
            Err(error) if error.kind() == NOT_REGULAR => None,
            summary => if_there(summary)?,
        };
        let summary = summary.unwrap_or_default();
        let summary = String::from_utf8_lossy(&summary);
        layout.summary = summary.lines().filter_map(card).collect();
        Ok(layout)
    }

    /// Why the file of this number may be of another card than GPU `index` is by the settings `now`.
    pub fn why_other_card(&self, number: u64, index: GpuIndex, now: &CardRecord) -> Option<String> {
        let card = now.cards[index.0];
        if let Some(record) = &self.record {
            match record.card_of(number) {
                Some(then) if then == card => {}
                Some(then) => return Some(changed(then, card)),
                None => {
                    let problem = text(
                        "寫入時的設定中沒有這個編號",
                        "the settings under which it was written have no such number",
                    );
                    return Some(problem.to_owned());
                }
            }
        } else {
            let is_unknown_number = |number: &&u64| now.card_of(**number).is_none();
            if let Some(stranger) = self.numbers.iter().find(is_unknown_number) {
                return Some(said!(
                    "目錄中有 gpu{stranger}，與設定的 gpu_files 或 cards 不符",
                    "the directory has gpu{stranger}, which does not fit gpu_files or cards in the settings"
                ));
            }
        }
        // A run that was killed before it recorded may have left its summary.
        match (now.gpu_files, self.summary.get(&index)) {
            (GpuFileNumber::Index, Some(&then)) if then != card => Some(changed(then, card)),
            // Named by its card, a file says itself what it is of.
            _ => None,
        }
    }

    /// Which number the files are named by, if that is not the one of the settings `now`.
    pub fn other_number(&self, now: &CardRecord) -> Option<GpuFileNumber> {
        let other = CardRecord {
            gpu_files: match now.gpu_files {
                GpuFileNumber::Index => GpuFileNumber::Card,
                GpuFileNumber::Card => GpuFileNumber::Index,
            },
            cards: now.cards.clone(),
        };
        let are_all = |record: &CardRecord| {
            let mut numbers = self.numbers.iter();
            numbers.all(|number| record.card_of(*number).is_some())
        };
        let is_other = match &self.record {
            Some(record) => !self.numbers.is_empty() && record.gpu_files != now.gpu_files,
            None => !are_all(now) && are_all(&other),
        };
        is_other.then_some(other.gpu_files)
    }

    /// Whether GPU `index` was another card when the average CSV was written, as far as is known.
    pub fn was_another(&self, index: GpuIndex, card: CardId) -> bool {
        match &self.record {
            Some(record) => record.cards.get(index.0) != Some(&card),
            None => self.summary.get(&index).is_some_and(|&then| then != card),
        }
    }
}

fn changed(then: CardId, now: CardId) -> String {
    said!(
        "寫入時是 Card {then}，現在是 Card {now}",
        "it was card {then} when written, and is card {now} now"
    )
}

fn number(name: &str, end: &str) -> Option<u64> {
    let rest = name.strip_prefix("gpu")?;
    let digits = rest.strip_suffix(end)?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

/// A line of the summary's table, `GPU[3] -> Card 25`.
fn card(line: &str) -> Option<(GpuIndex, CardId)> {
    let (gpu, card) = line.split_once(" -> Card ")?;
    Some((GpuIndex::parse(gpu)?, CardId(card.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn record(gpu_files: GpuFileNumber, cards: &[u64]) -> CardRecord {
        CardRecord {
            gpu_files,
            cards: cards.iter().copied().map(CardId).collect(),
        }
    }

    fn by_index(cards: &[u64]) -> CardRecord {
        record(GpuFileNumber::Index, cards)
    }

    #[test]
    fn records_are_kept_once_for_all_nodes_that_have_the_same() {
        let records = BTreeMap::from([
            ("n1".to_owned(), by_index(&[1, 9])),
            ("n2".to_owned(), record(GpuFileNumber::Card, &[1, 9])),
            ("n3".to_owned(), by_index(&[1, 9])),
        ]);
        let file = records_to_json(records.clone());
        assert_eq!(
            String::from_utf8_lossy(&file),
            r#"[{"gpu_files":"index","cards":[1,9],"nodes":["n1","n3"]},"#.to_owned()
                + r#"{"gpu_files":"card","cards":[1,9],"nodes":["n2"]}]"#
        );
        assert_eq!(records_from_json(&file), records);
        assert_eq!(records_from_json(b"["), BTreeMap::new());
    }

    #[test]
    fn a_file_is_of_the_card_that_was_recorded() {
        let layout = |record| Layout {
            record: Some(record),
            ..Layout::default()
        };
        let (index, now) = (GpuIndex(1), by_index(&[1, 9]));
        let swapped = layout(by_index(&[9, 1]));
        assert_eq!(
            swapped.why_other_card(1, index, &now).as_deref(),
            Some("寫入時是 Card 1，現在是 Card 9")
        );
        assert_eq!(
            layout(by_index(&[1]))
                .why_other_card(1, index, &now)
                .as_deref(),
            Some("寫入時的設定中沒有這個編號")
        );
        assert!(swapped.was_another(index, CardId(9)));
        // Its files are named by the card, which says of which GPU each is.
        let now = record(GpuFileNumber::Card, &[1, 9]);
        assert_eq!(layout(now.clone()).why_other_card(9, index, &now), None);
    }

    #[test]
    fn without_a_record_the_names_and_the_summary_count() {
        let layout = |numbers: &[u64], summary: &str| Layout {
            record: None,
            numbers: numbers.to_vec(),
            summary: summary.lines().filter_map(card).collect(),
        };
        let (index, now) = (GpuIndex(1), by_index(&[1, 9]));
        let why = |layout: &Layout| layout.why_other_card(1, index, &now);
        assert_eq!(why(&layout(&[0, 1], "")), None);
        assert_eq!(
            why(&layout(&[1, 9], "")).as_deref(),
            Some("目錄中有 gpu9，與設定的 gpu_files 或 cards 不符")
        );
        let old = layout(&[0, 1], "GPU[0] -> Card 1\nGPU[1] -> Card 17\n");
        assert_eq!(
            why(&old).as_deref(),
            Some("寫入時是 Card 17，現在是 Card 9")
        );
        assert!(old.was_another(index, CardId(9)));
        assert!(!old.was_another(GpuIndex(0), CardId(1)));
    }

    #[test]
    fn only_a_number_as_the_program_writes_it_names_a_file() {
        let end = "_2025-08-01.csv";
        for (name, expected) in [
            ("gpu0_2025-08-01.csv", Some(0)),
            ("gpu57_2025-08-01.csv", Some(57)),
            ("gpu07_2025-08-01.csv", None),
            ("gpu+7_2025-08-01.csv", None),
            ("gpu_2025-08-01.csv", None),
            ("gpu0_2025-08-02.csv", None),
            ("gpu0_2025-08-01.csv.unreadable1", None),
        ] {
            assert_eq!(number(name, end), expected, "{name}");
        }
    }
}
