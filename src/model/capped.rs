//! The first of many things, and how many more there are: what an answer from outside fills without end is bounded.

use std::fmt::Display;

use super::{comma, quote, said};

/// At most `CAP` things, and the number of the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capped<T, const CAP: usize> {
    pub first: Vec<T>,
    pub more: usize,
}

impl<T, const CAP: usize> Capped<T, CAP> {
    /// Adds a thing, which is made only where there is room for it.
    pub fn push_with(&mut self, make: impl FnOnce() -> T) {
        if self.first.len() < CAP {
            self.first.push(make());
        } else {
            self.more += 1;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    pub fn len(&self) -> usize {
        self.first.len() + self.more
    }

    /// ` 等 N 個`, `, … (N in all)` of all of them, where there are more than the first.
    pub fn rest(&self) -> String {
        if self.more == 0 {
            return String::new();
        }
        let all = self.len();
        said!(" 等 {all} 個", ", … ({all} in all)")
    }

    /// The things, and after them what `rest` makes of the number of the others, if there are any.
    pub fn followed_by(self, rest: impl FnOnce(usize) -> T) -> Vec<T> {
        let rest = (self.more > 0).then(|| rest(self.more));
        self.first.into_iter().chain(rest).collect()
    }
}

impl<T: Display, const CAP: usize> Capped<T, CAP> {
    /// The beginnings of the things on one line, and `rest` of the number of the others, if there are any.
    pub fn joined(&self, rest: impl FnOnce(usize) -> String) -> String {
        let things = self.first.iter().map(|thing| quote(&thing.to_string()));
        let things: Vec<_> = things.collect();
        let rest = (self.more > 0).then(|| rest(self.more));
        things.join(comma()) + &rest.unwrap_or_default()
    }

    /// The things on one line, and the number of all of them where not all are named.
    pub fn named(&self) -> String {
        self.joined(|_| self.rest())
    }
}

impl<T, const CAP: usize> Default for Capped<T, CAP> {
    fn default() -> Self {
        let (first, more) = (Vec::new(), 0);
        Self { first, more }
    }
}

impl<T, const CAP: usize> FromIterator<T> for Capped<T, CAP> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        let mut capped = Self::default();
        for thing in things {
            capped.push_with(|| thing);
        }
        capped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Language;

    #[test]
    fn what_is_long_is_named_by_its_beginning() {
        let capped: Capped<_, 2> = std::iter::once("長".repeat(4000)).collect();
        assert_eq!(capped.named(), "長".repeat(200) + "…");
    }

    #[test]
    fn what_is_over_the_cap_is_counted() {
        for (count, joined) in [
            (0, ""),
            (2, "1、2"),
            (3, "1、2 等 3 個"),
            (9, "1、2 等 9 個"),
        ] {
            let capped: Capped<usize, 2> = (1..=count).collect();
            assert_eq!((capped.len(), capped.named()), (count, joined.to_owned()));
            let english = joined.replace('、', ", ");
            let english = english.replace(" 等 ", ", … (").replace(" 個", " in all)");
            assert_eq!(Language::English.in_it(|| capped.named()), english);
            let lines = capped.followed_by(|more| more);
            assert_eq!(lines.len(), count.min(3), "{lines:?}");
        }
    }
}
