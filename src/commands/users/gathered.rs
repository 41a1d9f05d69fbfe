//! What is wanted of the days that are asked for, and what is gathered.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::analysis::Mean;
use crate::analysis::usage::{GroupBy, Usage, UserOrder};
use crate::formats::workbook::Book;
use crate::settings::Config;

/// What is wanted besides who held how much.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Of these nodes alone, if any are named.
    pub nodes: &'a [String],
    pub by: GroupBy,
    pub rows: bool,
    /// The means of each node and day.
    pub means: bool,
}

#[derive(Debug)]
pub struct Gathered {
    pub usage: Usage,
    pub means: BTreeMap<(String, NaiveDate), Mean>,
    /// Of which nodes and days there are accounts.
    pub reported: BTreeSet<(String, NaiveDate)>,
}

impl Gathered {
    pub fn book(&self, config: &Config, by: GroupBy, order: UserOrder) -> Book<'_> {
        Book {
            usage: &self.usage,
            means: &self.means,
            reported: &self.reported,
            by,
            order,
            zone: config.zone,
            thresholds: config.thresholds,
        }
    }
}
