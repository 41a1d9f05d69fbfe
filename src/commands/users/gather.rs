//! The accounts of the days that are asked for, and what stands behind them in the tree.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use chrono::NaiveDate;

use super::closer::Closer;
use super::gathered::{Gathered, Wanted};
use super::nodes::WantedNodes;
use crate::analysis::usage::{Usage, dates};
use crate::commands::calendar::Calendar;
use crate::settings::Config;
use crate::store::Archive;

/// The accounts of every day from `first` to `last`, one day after the other.
pub fn gather(
    config: &Config,
    archive: &Archive,
    (first, last): (NaiveDate, NaiveDate),
    wanted: Wanted,
) -> Result<Gathered> {
    let nodes = WantedNodes::new(config, wanted.nodes);
    let mut gathered = Gathered {
        usage: Usage::new(first, last),
        means: BTreeMap::new(),
        reported: BTreeSet::new(),
    };
    let mut reported = BTreeSet::new();
    for (_, window) in Calendar::now(config).windows(first, last) {
        let window = window?;
        let Some(day) = nodes.add_day(&window, archive, &mut gathered.usage) else {
            continue;
        };
        let closer = Closer {
            config,
            archive,
            window: &window,
            wanted,
        };
        let of_nodes = day.iter().filter(|(name, _)| nodes.include(name));
        closer.add(of_nodes.clone(), &mut gathered);
        let of_nodes = of_nodes.map(|(name, _)| (name.clone(), window.date));
        gathered.reported.extend(of_nodes);
        reported.extend(day.into_keys());
    }
    nodes.refuse_unknown(&reported, config, &dates(first, last))?;
    gathered.usage.sort_rows();
    Ok(gathered)
}
