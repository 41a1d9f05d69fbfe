//! The parts of an agent's JSON, read so that no answer takes more memory than its text and what is wanted of it.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::NodeErrorReason;
use crate::model::{beginning, literal_end, quote};

/// How much is quoted of what stands in the place of a number.
const QUOTE_CHARS: usize = 20;
/// How large an answer may be that is read a second time for numbers that JSON does not have.
const ODD_NUMBERS_LIMIT_BYTES: usize = 4 << 20;

/// How many items a list has.
pub struct Count(pub usize);

pub enum Cell {
    Gap,
    Number(f64),
    /// What is no number, as it was written.
    Other(Box<str>),
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyCell;

        impl<'de> Visitor<'de> for AnyCell {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_unit<E>(self) -> Result<Cell, E> {
                Ok(Cell::Gap)
            }

            fn visit_f64<E>(self, value: f64) -> Result<Cell, E> {
                Ok(Cell::Number(value))
            }

            #[expect(clippy::cast_precision_loss, reason = "readings and stamps are small")]
            fn visit_u64<E>(self, value: u64) -> Result<Cell, E> {
                Ok(Cell::Number(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "readings and stamps are small")]
            fn visit_i64<E>(self, value: i64) -> Result<Cell, E> {
                Ok(Cell::Number(value as f64))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Cell, E> {
                Ok(Cell::Other(value.to_string().into()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Other(beginning(text, QUOTE_CHARS).into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("[…]".into()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Cell, A::Error> {
                while items.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Cell::Other("{…}".into()))
            }
        }

        deserializer.deserialize_any(AnyCell)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut count = 0;
        let add = |_: IgnoredAny| count += 1;
        deserializer.deserialize_seq(ForEach::new(add))?;
        Ok(Self(count))
    }
}

/// Calls a function with each item of a list.
pub struct ForEach<T, F: FnMut(T)>(F, PhantomData<T>);

impl<T, F: FnMut(T)> ForEach<T, F> {
    pub fn new(f: F) -> Self {
        Self(f, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for ForEach<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            self.0(item);
        }
        Ok(())
    }
}

/// What `read` makes of an answer in which a number may be one that JSON does not have: `nan`, `-inf`, `1e999`.
pub fn with_odd_numbers<T>(
    body: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<T, NodeErrorReason>,
) -> Result<T, NodeErrorReason> {
    read(body).or_else(|error| {
        let is_read_again =
            matches!(error, NodeErrorReason::NotJson(_)) && body.len() <= ODD_NUMBERS_LIMIT_BYTES;
        let text = std::str::from_utf8(body).ok().filter(|_| is_read_again);
        let quoted = text.map(quote_odd_numbers);
        quoted
            .and_then(|text| read(text.as_bytes()).ok())
            .ok_or(error)
    })
}

/// The text with quotation marks around numbers that JSON does not have.
fn quote_odd_numbers(text: &str) -> String {
    let ends_word = |c: char| c.is_ascii_whitespace() || "[]{},:".contains(c);
    let is_odd = |word: &str| {
        let number = word.parse::<f64>();
        number.is_ok_and(|number| !number.is_finite())
    };
    let mut quoted = String::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = match c {
            '"' => literal_end(rest),
            c if ends_word(c) => c.len_utf8(),
            _ => rest
                .find(|c| ends_word(c) || c == '"')
                .unwrap_or(rest.len()),
        };
        let (word, after) = rest.split_at(end);
        if is_odd(word) {
            quoted.extend(["\"", word, "\""]);
        } else {
            quoted.push_str(word);
        }
        rest = after;
    }
    quoted
}

pub fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, NodeErrorReason> {
    serde_json::from_slice(body).map_err(|error| reason(&error))
}

fn reason(error: &serde_json::Error) -> NodeErrorReason {
    if error.is_data() {
        NodeErrorReason::Shape(quote(&error.to_string()))
    } else {
        NodeErrorReason::NotJson(quote(&error.to_string()))
    }
}

/// Reads a list item by item, or an object entry by entry.
pub fn walk<'a, V: Visitor<'a>>(
    items: &'a RawValue,
    visitor: V,
) -> Result<V::Value, NodeErrorReason> {
    let mut deserializer = serde_json::Deserializer::from_str(items.get());
    let walked = deserializer.deserialize_any(visitor);
    walked.map_err(|error| reason(&error))
}
