//! Whether the files of a directory were written under the settings in force: a GPU's file says nothing of the card
//! that it is of.

use std::fs;
use std::io;
use std::path::Path;

use chrono::NaiveDate;

use crate::units::{CardId, GpuIndex};

/// What the directory of a node's day tells of the settings that its files were written under.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The numbers in the names of GPU files.
    numbers: Vec<u64>,
    /// The cards by index, as the summary has them.
    cards: Vec<(GpuIndex, CardId)>,
}

impl Layout {
    /// Reads the directory, which need not exist.
    pub(super) fn of(directory: &Path, date: NaiveDate) -> io::Result<Self> {
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut layout = Self::default();
        for entry in entries {
            let name = entry?.file_name();
            layout
                .numbers
                .extend(name.to_str().and_then(|name| number(name, date)));
        }
        // Without a summary, nothing is known against the cards.
        let summary = fs::read(directory.join(format!("summary_{date}.txt"))).unwrap_or_default();
        layout.cards = String::from_utf8_lossy(&summary)
            .lines()
            .filter_map(card)
            .collect();
        Ok(layout)
    }

    /// The numbers of GPU files that no GPU of a node has whose GPUs have the numbers `named`: the directory was
    /// written under another numbering, and what stands under a number of `named` may be of another GPU.
    pub(super) fn strangers(&self, named: &[u64]) -> Vec<u64> {
        let is_stranger = |number: &&u64| !named.contains(number);
        self.numbers.iter().filter(is_stranger).copied().collect()
    }

    /// The card that `gpu` was when the directory was written, if that is known to be another than `card`.
    pub(super) fn other_card(&self, gpu: GpuIndex, card: CardId) -> Option<CardId> {
        let (_, then) = self.cards.iter().find(|(index, _)| *index == gpu)?;
        (*then != card).then_some(*then)
    }
}

/// The number of a GPU's file.
fn number(name: &str, date: NaiveDate) -> Option<u64> {
    let rest = name.strip_prefix("gpu")?;
    rest.strip_suffix(&format!("_{date}.csv"))?.parse().ok()
}

/// A line of the summary's table, `GPU[3] -> Card 25`.
fn card(line: &str) -> Option<(GpuIndex, CardId)> {
    let (index, card) = line.strip_prefix("GPU[")?.split_once("] -> Card ")?;
    Some((GpuIndex(index.parse().ok()?), CardId(card.parse().ok()?)))
}
