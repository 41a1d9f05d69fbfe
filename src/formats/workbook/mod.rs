//! The accounts of several days as an Excel workbook: numbers and dates are such, and names are texts, never formulas.

mod meanings;
mod sheet;

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_xlsxwriter::{Chart, ChartType, Workbook, XlsxError};

use super::usage_table;
use crate::analysis::usage::{Group, GroupBy, Usage, UserOrder, dates};
use crate::analysis::{Account, Mean};
use crate::model::{Percent, Thresholds, WeightedSum, clock, counted, said, text};
use meanings::meanings;
use sheet::{Sheet, bold, wrapped};

/// The most groups of a chart that can be read.
const CHARTED: u32 = 30;

/// What a workbook shows.
pub struct Book<'a> {
    pub usage: &'a Usage,
    pub means: &'a BTreeMap<(String, NaiveDate), Mean>,
    /// Of which nodes and days there are accounts, whether or not anybody held anything.
    pub reported: &'a BTreeSet<(String, NaiveDate)>,
    pub by: GroupBy,
    pub order: UserOrder,
    pub zone: Tz,
    pub thresholds: Thresholds,
}

#[derive(Debug, thiserror::Error)]
pub enum WorkbookError {
    #[error("{}", said!(
        "活頁簿放不下這麼多列或日期：請縮短期間，或以 --user、--node 縮小範圍",
        "a workbook has no room for so many rows or days: ask for fewer days, or for some with --user or --node",
    ))]
    TooLarge,
    #[error("{}", said!("無法產生活頁簿：{0}", "cannot make the workbook: {0}", .0))]
    Failed(XlsxError),
}

impl From<XlsxError> for WorkbookError {
    fn from(error: XlsxError) -> Self {
        match error {
            XlsxError::RowColumnLimitError => Self::TooLarge,
            error => Self::Failed(error),
        }
    }
}

impl Book<'_> {
    pub fn render(&self) -> Result<Vec<u8>, WorkbookError> {
        let mut workbook = Workbook::new();
        self.groups(&mut workbook)?;
        self.rows(&mut workbook)?;
        self.nodes(&mut workbook)?;
        self.definitions(&mut workbook)?;
        Ok(workbook.save_to_buffer()?)
    }

    fn groups(&self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let name = self.by.heading();
        let mut sheet = Sheet::new(workbook.add_worksheet(), name)?;
        sheet.header([self.by.heading()].into_iter().chain(figure_headings()))?;
        let groups = self.usage.sorted_groups(self.by, self.order);
        for (group, account) in &groups {
            sheet.next_row();
            match group {
                Group::Day(date) => sheet.date(*date, false)?,
                group => sheet.text(&group.shown())?,
            }
            figures(&mut sheet, *account)?;
        }
        sheet.finish_table(1)?;
        let last = sheet.rows.saturating_sub(1).min(CHARTED);
        if last > 0 {
            sheet.inner.insert_chart(1, 10, &chart(name, last))?;
        }
        if let Some(total) = self.usage.total() {
            // Apart from the table, so that no filter or sorting takes it for one of its rows.
            sheet.next_row();
            sheet.next_row();
            sheet.text_in(text("合計", "Total"), &bold())?;
            figures(&mut sheet, total)?;
        }
        sheet.set_widths()
    }

    fn rows(&self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let mut sheet = Sheet::new(workbook.add_worksheet(), text("明細", "Rows"))?;
        let first = [
            text("使用者", "User"),
            text("日期", "Date"),
            text("節點", "Node"),
            "GPU",
        ];
        let last = [text("任務數", "Tasks"), text("任務建立", "Task created")];
        sheet.header(first.into_iter().chain(figure_headings()).chain(last))?;
        for row in &self.usage.rows {
            sheet.next_row();
            sheet.text(&row.user)?;
            sheet.date(row.date, false)?;
            sheet.text(&row.node)?;
            sheet.text(&row.gpu.to_string())?;
            figures(&mut sheet, row.account)?;
            match &row.tasks {
                Some(tasks) => sheet.count(tasks.count)?,
                None => sheet.skip(),
            }
            if let Some(time) = row.created() {
                match time.unix() {
                    Some(unix) => sheet.clock(&clock(self.zone, unix))?,
                    None => sheet.text(time.text().unwrap_or_default())?,
                }
            }
        }
        sheet.finish_table(1)?;
        sheet.set_widths()
    }

    /// For each node and figure a row, and for each day a column.
    fn nodes(&self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let name = text("節點與日期", "Nodes by day");
        let mut sheet = Sheet::new(workbook.add_worksheet(), name)?;
        sheet.header([text("節點", "Node"), text("項目", "Figure")])?;
        let reported = self.reported.iter();
        let mut accounts: BTreeMap<(&str, NaiveDate), Account> = reported
            .map(|(node, date)| ((node.as_str(), *date), Account::default()))
            .collect();
        for row in &self.usage.rows {
            *accounts.entry((&row.node, row.date)).or_default() += row.account;
        }
        let of_means = self.means.keys().map(|(node, date)| (node.as_str(), *date));
        let keys: BTreeSet<_> = accounts.keys().copied().chain(of_means).collect();
        let nodes: BTreeSet<_> = keys.iter().map(|(node, _)| *node).collect();
        let (from, to) = (self.usage.from, self.usage.to);
        let days: Vec<_> = from.iter_days().take_while(|date| *date <= to).collect();
        for date in &days {
            sheet.date(*date, true)?;
        }
        let width = u16::try_from(days.len()).map_err(|_| XlsxError::RowColumnLimitError)?;
        for node in nodes {
            let mean = |date: NaiveDate| self.means.get(&(node.to_owned(), date));
            let gpu = |date| mean(date).and_then(|mean| mean.gpu);
            let vram = |date| mean(date).and_then(|mean| mean.vram);
            let from = sheet.rows;
            for (figure, of) in [
                (
                    text("平均GPU使用率(%)", "Mean GPU (%)"),
                    &gpu as &dyn Fn(_) -> _,
                ),
                (text("平均VRAM使用率(%)", "Mean VRAM (%)"), &vram),
            ] {
                sheet.next_row();
                sheet.text(node)?;
                sheet.text(figure)?;
                for date in &days {
                    sheet.percent(of(*date))?;
                }
            }
            sheet.colour((from, sheet.rows - 1), (2, width.saturating_add(1)))?;
            let held = |account: Account| account.seconds();
            let idle = |account: Account| account.idle.seconds();
            for (figure, of) in [
                (
                    text("時數(GPU小時)", "Held (GPU-hours)"),
                    &held as &dyn Fn(_) -> _,
                ),
                (text("閒置(GPU小時)", "Idle (GPU-hours)"), &idle),
            ] {
                sheet.next_row();
                sheet.text(node)?;
                sheet.text(figure)?;
                for date in &days {
                    // Where there is no report, nobody knows.
                    match accounts.get(&(node, *date)) {
                        Some(account) => sheet.hours(of(*account))?,
                        None => sheet.skip(),
                    }
                }
            }
        }
        sheet.finish_table(2)?;
        sheet.set_widths()
    }

    fn definitions(&self, workbook: &mut Workbook) -> Result<(), XlsxError> {
        let name = text("說明", "Definitions");
        let mut sheet = Sheet::new(workbook.add_worksheet(), name)?;
        let usage = self.usage;
        let days = counted(usage.days, "天", "day", "days");
        let reported = usage.days_with_accounts;
        let of_days = said!(
            "{span}（{days}，其中 {reported} 天有報告）",
            "{span} ({days}, {reported} with a report)",
            span = dates(usage.from, usage.to)
        );
        let zone = self.zone.name().to_owned();
        let program = format!("daily-gpu-log {}", env!("CARGO_PKG_VERSION"));
        let mut lines = vec![
            (text("期間", "Days"), of_days),
            (text("時區", "Time zone"), zone),
            (text("產生者", "Made by"), program),
        ];
        let remarks = usage_table::remarks(usage).into_iter();
        lines.extend(remarks.map(|remark| (text("注意", "Note"), remark)));
        lines.extend(meanings(self.thresholds));
        for (term, meaning) in lines {
            sheet.next_row();
            sheet.text_in(term, &bold())?;
            sheet.text_in(&meaning, &wrapped())?;
        }
        sheet.set_widths()
    }
}

fn figure_headings() -> [&'static str; 8] {
    [
        text("時數(GPU小時)", "Held (GPU-hours)"),
        text("使用中(GPU小時)", "Active (GPU-hours)"),
        text("閒置(GPU小時)", "Idle (GPU-hours)"),
        text("閒置佔用VRAM(GPU小時)", "Idle, VRAM held (GPU-hours)"),
        text("無讀數(GPU小時)", "No readings (GPU-hours)"),
        text("平均GPU使用率(%)", "Mean GPU (%)"),
        text("平均VRAM使用率(%)", "Mean VRAM (%)"),
        text("涵蓋率(%)", "Coverage (%)"),
    ]
}

fn figures(sheet: &mut Sheet, account: Account) -> Result<(), XlsxError> {
    let mean = |readings: WeightedSum| readings.mean().map(Percent::from);
    for seconds in [
        account.seconds(),
        account.active,
        account.idle.seconds(),
        account.idle.vram_held,
        account.unknown,
    ] {
        sheet.hours(seconds)?;
    }
    sheet.percent(mean(account.gpu))?;
    sheet.percent(mean(account.vram))?;
    sheet.percent(account.coverage())
}

/// The hours of the first rows of a sheet, by what became of them.
fn chart(sheet: &str, last: u32) -> Chart {
    let mut chart = Chart::new(ChartType::BarStacked);
    for (column, colour) in [(2, "2E7D5B"), (3, "E0A030"), (5, "B0B0B0")] {
        chart
            .add_series()
            .set_name((sheet, 0, column))
            .set_categories((sheet, 1, 0, last, 0))
            .set_values((sheet, 1, column, last, column))
            .set_format(
                rust_xlsxwriter::ChartFormat::new()
                    .set_solid_fill(rust_xlsxwriter::ChartSolidFill::new().set_color(colour)),
            );
    }
    chart.title().set_name(text("GPU 小時", "GPU-hours"));
    // The first row of the table is the uppermost bar.
    chart.x_axis().set_reverse();
    chart.set_width(720).set_height(120 + 24 * last);
    chart
}

#[cfg(test)]
mod tests;
