//! What became of a copy of the tree.

use chrono::NaiveDate;
use serde::Serialize;

use crate::model::{Both, Engine, ExitStatus, counted, said};

#[derive(Debug, Serialize)]
pub struct Exported {
    pub engine: Engine,
    /// Where the copy is.
    pub place: String,
    /// Whether nothing was written.
    #[serde(rename = "dry_run")]
    pub is_dry_run: bool,
    pub days: Vec<ExportedDay>,
    /// Why the days after those were not looked at, if they were not.
    pub error: Option<Both>,
    pub exit_status: ExitStatus,
}

#[derive(Debug, Serialize)]
pub struct ExportedDay {
    pub date: NaiveDate,
    /// The nodes that were not equal to the tree; they are now, or would be after a dry run.
    pub written: usize,
    /// The nodes that were equal to it before.
    pub unchanged: usize,
    /// What is not in the copy, and why.
    pub problems: Vec<Both>,
}

impl Exported {
    pub fn lines(&self) -> String {
        let days = self.days.iter();
        let days = days.map(|day| day.line(self.is_dry_run));
        let written: usize = self.days.iter().map(|day| day.written).sum();
        let unchanged: usize = self.days.iter().map(|day| day.unchanged).sum();
        let (place, days_in_all) = (&self.place, self.days.len());
        let in_all = counted(days_in_all, "天", "day", "days");
        let written = counted(written, "個節點日", "node-day", "node-days");
        let last = if self.is_dry_run {
            said!(
                "{place}：{in_all}，會寫入 {written}，{unchanged} 個相同（試跑，沒有寫入）\n",
                "{place}: {in_all}, {written} to be written, {unchanged} equal (dry run, nothing written)\n"
            )
        } else {
            said!(
                "{place}：{in_all}，寫入 {written}，{unchanged} 個相同\n",
                "{place}: {in_all}, {written} written, {unchanged} equal\n"
            )
        };
        days.collect::<String>() + &last
    }
}

impl ExportedDay {
    fn line(&self, is_dry_run: bool) -> String {
        let (date, unchanged) = (self.date, self.unchanged);
        let written = counted(self.written, "個節點", "node", "nodes");
        if is_dry_run {
            said!(
                "{date}：會寫入 {written}，{unchanged} 個相同\n",
                "{date}: {written} to be written, {unchanged} equal\n"
            )
        } else {
            said!(
                "{date}：寫入 {written}，{unchanged} 個相同\n",
                "{date}: {written} written, {unchanged} equal\n"
            )
        }
    }
}
