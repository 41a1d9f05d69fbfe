//! Values that people write in the settings, and the message of one that makes no sense.
//!
//! Such a message begins with [`mark`]: it stands behind its key and names no type, other than those of the parser.

use std::fmt::Display;
use std::ops::{Deref, RangeInclusive};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{said, text};

/// What parts a key from the message. No message of the parser begins with it.
pub fn mark() -> &'static str {
    text("：", ": ")
}

/// A value that is written as text, and displayed as that. A field of one has `#[serde(with = "written")]`.
pub trait Written: Sized + Display {
    /// Reads the text, or says what is wrong with it.
    fn parse(text: &str) -> Result<Self, String>;
}

pub fn deserialize<'de, D: Deserializer<'de>, T: Written>(deserializer: D) -> Result<T, D::Error> {
    T::parse(&String::deserialize(deserializer)?).map_err(problem)
}

pub fn serialize<T: Written, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The error of a value that makes no sense.
pub fn problem<E: de::Error>(message: impl Display) -> E {
    E::custom(format_args!("{}{message}", mark()))
}

/// Reads a number that is within bounds.
pub fn within<'de, D: Deserializer<'de>, T: Deserialize<'de> + PartialOrd + Display>(
    deserializer: D,
    bounds: RangeInclusive<T>,
    unit: &str,
) -> Result<T, D::Error> {
    let number = T::deserialize(deserializer)?;
    if bounds.contains(&number) {
        return Ok(number);
    }
    let (least, most) = (bounds.start(), bounds.end());
    Err(problem(said!(
        "{number} 不是 {least} 到 {most} 的{unit}",
        "{number} is not {unit} from {least} to {most}"
    )))
}

/// A [`Written`] in a list or a table, or one that may be missing.
#[derive(Clone, Debug)]
pub struct Item<T>(pub T);

impl<T> Deref for Item<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Written> Deserialize<'de> for Item<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer).map(Self)
    }
}

impl<T: Written> Serialize for Item<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

/// A value as a message may show it: not what looks like a token that was put in the wrong place.
pub fn redacted(value: &str) -> &str {
    if looks_like_token(value) {
        "…"
    } else {
        value
    }
}

/// Whether a text may be a token. A JWT begins with the `{"` of its header.
pub fn looks_like_token(text: &str) -> bool {
    text.starts_with("eyJ") || (text.len() > 60 && !text.contains(['/', ' ']))
}
