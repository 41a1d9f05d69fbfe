//! A sheet of a workbook: a table with a header that stays, a filter, and columns that are as wide as what is in them.

use chrono::NaiveDate;
use rust_xlsxwriter::{
    ConditionalFormat2ColorScale, ConditionalFormatType, ExcelDateTime, Format, FormatAlign,
    Worksheet, XlsxError,
};
use unicode_width::UnicodeWidthStr;

use crate::model::{Percent, beginning};

/// No name is longer, and a cell has room for 32,767.
const LONGEST: usize = 1000;
const WIDEST: usize = 60;
/// Beside the text, for the button of the filter.
const MARGIN: usize = 3;

pub struct Sheet<'a> {
    pub inner: &'a mut Worksheet,
    widths: Vec<usize>,
    /// How many rows have been begun.
    pub rows: u32,
    column: u16,
}

impl<'a> Sheet<'a> {
    pub fn new(inner: &'a mut Worksheet, name: &str) -> Result<Self, XlsxError> {
        inner.set_name(name)?;
        Ok(Self {
            inner,
            widths: Vec::new(),
            rows: 0,
            column: 0,
        })
    }

    pub fn next_row(&mut self) {
        self.rows += 1;
        self.column = 0;
    }

    /// The place of the next cell, for a text of this width.
    fn place(&mut self, width: usize) -> (u32, u16) {
        let column = usize::from(self.column);
        if self.widths.len() <= column {
            self.widths.resize(column + 1, 0);
        }
        self.widths[column] = self.widths[column].max(width);
        self.column = self.column.saturating_add(1);
        (self.rows.saturating_sub(1), self.column - 1)
    }

    pub fn header<'t>(
        &mut self,
        texts: impl IntoIterator<Item = &'t str>,
    ) -> Result<(), XlsxError> {
        self.next_row();
        for text in texts {
            self.text_in(text, &bold())?;
        }
        Ok(())
    }

    /// A text, which is never a formula.
    pub fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        self.text_in(text, &Format::new())
    }

    pub fn text_in(&mut self, text: &str, format: &Format) -> Result<(), XlsxError> {
        // No XML has these.
        let text = text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}");
        let text = beginning(&text, LONGEST);
        let (row, column) = self.place(text.width());
        let text = literal(&text);
        self.inner
            .write_string_with_format(row, column, text, format)?;
        Ok(())
    }

    pub fn skip(&mut self) {
        self.place(0);
    }

    fn number(&mut self, number: f64, format: &str) -> Result<(), XlsxError> {
        let (row, column) = self.place(format!("{number:.2}").len());
        let format = Format::new().set_num_format(format);
        self.inner
            .write_number_with_format(row, column, number, &format)?;
        Ok(())
    }

    pub fn count(&mut self, count: usize) -> Result<(), XlsxError> {
        #[expect(clippy::cast_precision_loss, reason = "they are few")]
        self.number(count as f64, "0")
    }

    pub fn hours(&mut self, seconds: u64) -> Result<(), XlsxError> {
        #[expect(clippy::cast_precision_loss, reason = "no tree holds so many seconds")]
        self.number(seconds as f64 / 3600.0, "0.00")
    }

    /// Without one the cell is empty: a gap is no zero.
    pub fn percent(&mut self, percent: Option<Percent>) -> Result<(), XlsxError> {
        if let Some(percent) = percent {
            return self.number(percent.value(), "0.00");
        }
        self.skip();
        Ok(())
    }

    pub fn date(&mut self, date: NaiveDate, is_heading: bool) -> Result<(), XlsxError> {
        let format = if is_heading { bold() } else { Format::new() };
        self.moment(&date.to_string(), format.set_num_format("yyyy-mm-dd"))
    }

    /// A time on a clock, as `2025-08-01 00:10:00`.
    pub fn clock(&mut self, clock: &str) -> Result<(), XlsxError> {
        self.moment(clock, Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"))
    }

    /// As a text where it is before all days that Excel knows.
    fn moment(&mut self, moment: &str, format: Format) -> Result<(), XlsxError> {
        let Ok(time) = ExcelDateTime::parse_from_str(moment) else {
            return self.text(moment);
        };
        let (row, column) = self.place(moment.len());
        let format = format.set_align(FormatAlign::Center);
        self.inner
            .write_datetime_with_format(row, column, &time, &format)?;
        Ok(())
    }

    /// Makes the rows so far a table, of which the first row and the first columns stay where they are.
    pub fn finish_table(&mut self, columns_that_stay: u16) -> Result<(), XlsxError> {
        let last = u16::try_from(self.widths.len()).unwrap_or(u16::MAX);
        let last_row = self.rows.saturating_sub(1);
        self.inner
            .set_freeze_panes(1, columns_that_stay)?
            .autofilter(0, 0, last_row, last.saturating_sub(1))?;
        Ok(())
    }

    /// Colours percentages between 0 and 100.
    pub fn colour(&mut self, rows: (u32, u32), columns: (u16, u16)) -> Result<(), XlsxError> {
        let scale = ConditionalFormat2ColorScale::new()
            .set_minimum(ConditionalFormatType::Number, 0)
            .set_maximum(ConditionalFormatType::Number, 100)
            .set_minimum_color("FFFFFF")
            .set_maximum_color("F8A35B");
        self.inner
            .add_conditional_format(rows.0, columns.0, rows.1, columns.1, &scale)?;
        Ok(())
    }

    pub fn set_widths(self) -> Result<(), XlsxError> {
        for (column, width) in (0..).zip(self.widths) {
            #[expect(clippy::cast_precision_loss, reason = "at most the widest")]
            let width = (width.min(WIDEST) + MARGIN) as f64;
            self.inner.set_column_width(column, width)?;
        }
        Ok(())
    }
}

pub fn bold() -> Format {
    Format::new().set_bold()
}

/// For texts that are longer than a column is wide.
pub fn wrapped() -> Format {
    Format::new().set_text_wrap().set_align(FormatAlign::Top)
}

/// The text with the mark that keeps Excel from taking `_x0041_` for `A`.
fn literal(text: &str) -> String {
    let is_escape = |rest: &str| {
        let mut rest = rest.bytes();
        let are_hex = rest.by_ref().take(4).filter(u8::is_ascii_hexdigit).count() == 4;
        are_hex && rest.next() == Some(b'_')
    };
    let mut parts = text.split("_x");
    let mut literal = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        literal.push_str(if is_escape(rest) { "_x005F_x" } else { "_x" });
        literal.push_str(rest);
    }
    literal
}
