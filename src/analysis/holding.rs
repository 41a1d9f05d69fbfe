//! Who held one GPU of a day, and when: half-open intervals of absolute seconds.

use std::collections::HashMap;

use serde::Serialize;

use crate::model::{UnixSeconds, Window, said};

/// The time `[from, to)`. It is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    pub from: UnixSeconds,
    pub to: UnixSeconds,
}

impl Span {
    /// `[from, to)`, or `None` where that is no time.
    pub fn new(from: UnixSeconds, to: UnixSeconds) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// How much of a day was known of when its tasks were asked for: `None` before it began.
    pub fn known_at(window: &Window, asked_at: UnixSeconds) -> Option<Self> {
        Self::new(window.start, window.seen_until.min(asked_at))
    }

    pub fn within(self, other: Self) -> Option<Self> {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }

    pub fn seconds(self) -> u64 {
        self.to.abs_diff(self.from)
    }

    /// Its seconds within each interval of the window's day that it touches: the number of that interval's reading,
    /// and how many seconds. The reading stamped `T` is that of `[T - interval, T)`.
    pub fn by_interval(self, window: &Window) -> impl Iterator<Item = (usize, u64)> + use<> {
        let step = window.interval.seconds();
        let day = Self {
            from: window.start,
            to: window.end,
        };
        self.within(day).into_iter().flat_map(move |span| {
            let first = (span.from - day.from) / step;
            let slots = usize::try_from(first).unwrap_or(0)..;
            // Counted on rather than divided for each: there are millions in a large cluster's day.
            let (mut from, mut next) = (span.from, day.from + (first + 1) * step);
            slots.map_while(move |slot| {
                let part = Self::new(from, span.to.min(next))?;
                (from, next) = (part.to, next + step);
                Some((slot, part.seconds()))
            })
        })
    }
}

/// A set of seconds, as spans in order that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// Every second of any of `spans`, once.
    pub fn union(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut spans: Vec<_> = spans.into_iter().collect();
        spans.sort_unstable();
        // In place: `merged` spans of the front are done.
        let mut merged = 0;
        for next in 0..spans.len() {
            let span = spans[next];
            if merged > 0 && span.from <= spans[merged - 1].to {
                let last = &mut spans[merged - 1];
                last.to = last.to.max(span.to);
            } else {
                spans[merged] = span;
                merged += 1;
            }
        }
        spans.truncate(merged);
        Self(spans)
    }

    /// The seconds of `whole` that are not among these.
    pub fn gaps_in(&self, whole: Span) -> Self {
        let mut gaps = Vec::with_capacity(self.0.len() + 1);
        let mut from = whole.from;
        for span in self.iter().filter_map(|span| span.within(whole)) {
            gaps.extend(Span::new(from, span.from));
            from = span.to;
        }
        gaps.extend(Span::new(from, whole.to));
        Self(gaps)
    }

    pub fn iter(&self) -> impl Iterator<Item = Span> + '_ {
        self.0.iter().copied()
    }

    #[cfg(test)]
    pub fn seconds(&self) -> u64 {
        self.iter().map(Span::seconds).sum()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold<'a> {
    /// Who it is accounted to.
    pub user: &'a str,
    pub task: &'a str,
    pub span: Span,
}

/// One user of a GPU, with everything that they held of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder<'a> {
    pub user: &'a str,
    /// When they held it. A second of several tasks is one second.
    pub spans: Spans,
    pub holds: Vec<Hold<'a>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings<'a> {
    /// Its users, in order of first hold.
    pub holders: Vec<Holder<'a>>,
    /// When it is not known whether somebody held it.
    pub unknown: Spans,
}

impl<'a> Holdings<'a> {
    /// Gathers `holds`, which are in the order of their tasks' start.
    pub fn new(holds: &[Hold<'a>]) -> Self {
        let mut positions: HashMap<&str, usize> = HashMap::new();
        let mut by_user: Vec<Vec<Hold>> = Vec::new();
        for hold in holds {
            let position = *positions.entry(hold.user).or_insert_with(|| {
                by_user.push(Vec::new());
                by_user.len() - 1
            });
            by_user[position].push(*hold);
        }
        let holder = |holds: Vec<Hold<'a>>| Holder {
            user: holds[0].user,
            spans: Spans::union(holds.iter().map(|hold| hold.span)),
            holds,
        };
        Self {
            holders: by_user.into_iter().map(holder).collect(),
            unknown: Spans::default(),
        }
    }

    pub fn anybodys(&self) -> Spans {
        Spans::union(self.holders.iter().flat_map(|holder| holder.spans.iter()))
    }

    /// When it cannot be said that nobody held it.
    pub fn not_free(&self) -> Spans {
        Spans::union(self.anybodys().iter().chain(self.unknown.iter()))
    }
}

impl Window {
    /// A time on the zone's clocks, as `2025-08-01 00:10:00 到 2025-08-01 00:20:00`.
    pub fn clock_span(&self, span: Span) -> String {
        let (from, to) = (self.clock(span.from), self.clock(span.to));
        said!("{from} 到 {to}", "{from} to {to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn span((from, length): (UnixSeconds, UnixSeconds)) -> Option<Span> {
        Span::new(from, from + length)
    }

    /// The seconds themselves.
    fn seconds(spans: impl IntoIterator<Item = Span>) -> BTreeSet<UnixSeconds> {
        spans
            .into_iter()
            .flat_map(|span| span.from..span.to)
            .collect()
    }

    #[test]
    fn no_time_is_no_span() {
        assert_eq!(Span::new(5, 5), None);
        assert_eq!(Span::new(6, 5), None);
        assert_eq!(
            Span::new(i64::MIN, i64::MAX).map(Span::seconds),
            Some(u64::MAX)
        );
    }

    #[test]
    fn users_come_in_order_of_first_hold_with_all_their_tasks() {
        let hold = |user, task, from, to| Hold {
            user,
            task,
            span: Span { from, to },
        };
        let holds = [
            hold("bob", "1", 0, 4),
            hold("alice", "2", 1, 3),
            hold("bob", "3", 2, 8),
            hold("bob", "4", 9, 10),
        ];
        let holdings = Holdings::new(&holds);
        let users: Vec<_> = holdings
            .holders
            .iter()
            .map(|holder| (holder.user, holder.holds.len(), holder.spans.seconds()))
            .collect();
        assert_eq!(users, [("bob", 3, 9), ("alice", 1, 2)]);
        assert_eq!(holdings.anybodys().seconds(), 9);
    }

    proptest! {
        #[test]
        fn a_union_counts_every_second_once(
            spans in prop::collection::vec((0_i64..200, -3_i64..40), 0..30),
        ) {
            let spans: Vec<_> = spans.into_iter().filter_map(span).collect();
            let counted = seconds(spans.iter().copied());
            let union = Spans::union(spans);
            prop_assert_eq!(union.seconds(), counted.len() as u64);
            prop_assert_eq!(seconds(union.iter()), counted);
            prop_assert!(union.0.windows(2).all(|pair| pair[0].to < pair[1].from));
        }

        #[test]
        fn what_is_held_and_what_is_not_make_up_the_whole(
            spans in prop::collection::vec((-20_i64..120, 0_i64..30), 0..12),
            whole in (0_i64..50, 1_i64..60),
        ) {
            let whole = span(whole).expect("a span");
            let union = Spans::union(spans.into_iter().filter_map(span));
            let free = seconds(union.gaps_in(whole).iter());
            let counted: BTreeSet<_> = (whole.from..whole.to)
                .filter(|second| union.iter().all(|span| *second < span.from || span.to <= *second))
                .collect();
            prop_assert_eq!(free, counted);
        }
    }
}
