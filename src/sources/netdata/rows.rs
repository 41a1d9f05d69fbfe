//! The rows of a table, read into one vector: a vector for each row would cost more than reading its numbers.

use std::fmt;

use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Rows of equal width. A row is the stamp of its interval's end and a value, or null for a gap, for each label.
#[derive(Debug, Default, PartialEq)]
pub struct Rows {
    /// How many cells a row has; `None` without rows.
    pub width: Option<usize>,
    /// The cells, row by row.
    pub cells: Vec<Option<f64>>,
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rows of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Rows, A::Error> {
        let mut read = Rows::default();
        loop {
            let before = read.cells.len();
            if rows.next_element_seed(Row(&mut read.cells))?.is_none() {
                return Ok(read);
            }
            let width = read.cells.len() - before;
            if width != *read.width.get_or_insert(width) {
                return Err(A::Error::custom("rows of different widths"));
            }
        }
    }
}

/// Reads one row to the end of the cells.
struct Row<'a>(&'a mut Vec<Option<f64>>);

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut cells: A) -> Result<(), A::Error> {
        while let Some(cell) = cells.next_element()? {
            self.0.push(cell);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_one_after_the_other() {
        let rows: Rows = serde_json::from_str("[[1,2.5],[3,null]]").expect("rows");
        assert_eq!(rows.width, Some(2));
        assert_eq!(rows.cells, [Some(1.0), Some(2.5), Some(3.0), None]);
        assert_eq!(
            serde_json::from_str::<Rows>("[]").expect("none"),
            Rows::default()
        );
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for text in ["[[1,2],[3]]", "[1]", "[[\"1\"]]", "{}", "[[1,[2]]]"] {
            assert!(serde_json::from_str::<Rows>(text).is_err(), "{text}");
        }
    }
}
