//! The drawings of the page: paths of as few bytes as will do, in colours that the style gives them.

use std::fmt::Write;

use maud::{Markup, PreEscaped};

use crate::analysis::overview::Level;

/// The most tenths of a percent that each class but the last holds.
const BOUNDS: [u16; 5] = [50, 200, 400, 600, 800];
/// What the classes are called, the same on every page: a colour means the same everywhere.
pub const CLASSES: [&str; 6] = ["≤ 5%", "≤ 20%", "≤ 40%", "≤ 60%", "≤ 80%", "≤ 100%"];

pub fn class(level: u16) -> usize {
    BOUNDS.partition_point(|bound| *bound < level)
}

/// Rows of cells. Where nothing is drawn, the hatch of the background shows that there is no reading.
pub fn heat(rows: &[&[Level]], metric: &str) -> Markup {
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut svg = format!(
        "<svg class=\"h {metric}\" viewBox=\"0 0 {width} {}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
        rows.len()
    );
    // All that is there in the lowest class, and the others over it.
    for number in 0..CLASSES.len() {
        let is_drawn =
            |level: Level| level.is_some_and(|level| number == 0 || class(level) == number);
        let path = runs(rows, is_drawn);
        if !path.is_empty() {
            let _ = write!(svg, "<path class=\"c{number}\" d=\"{path}\"/>");
        }
    }
    PreEscaped(svg + "</svg>")
}

/// A stroke through each run of cells that are drawn, from where the one before ended.
fn runs(rows: &[&[Level]], is_drawn: impl Fn(Level) -> bool) -> String {
    let mut path = String::new();
    let mut pen: Option<(usize, usize)> = None;
    for (y, row) in rows.iter().enumerate() {
        let mut from = 0;
        while from < row.len() {
            let drawn = is_drawn(row[from]);
            let rest = row[from..].iter();
            let length = rest.take_while(|level| is_drawn(**level) == drawn).count();
            if drawn {
                let _ = match pen {
                    None if y == 0 => write!(path, "M{from} .5"),
                    None => write!(path, "M{from} {y}.5"),
                    Some((x, row)) => {
                        let by = i64::try_from(from).unwrap_or(0) - i64::try_from(x).unwrap_or(0);
                        write!(path, "m{by} {}", y - row)
                    }
                };
                let _ = write!(path, "h{length}");
                pen = Some((from + length, y));
            }
            from += length;
        }
    }
    path
}

/// A line through the middle of each cell, on a height of 100. It breaks at gaps, and a cell between two is a dot.
pub fn line(levels: &[Level]) -> String {
    let mut path = String::new();
    // Where the pen is, and how far the line has gone straight on.
    let mut last: Option<(usize, u16)> = None;
    let mut x = 0;
    while x < levels.len() {
        let Some(level) = levels[x] else {
            last = None;
            x += 1;
            continue;
        };
        let y = round(level);
        match last {
            None => {
                let _ = write!(path, "M{x}.5 {}", 100 - y);
                if levels.get(x + 1).copied().flatten().is_none() {
                    path.push_str("h0");
                }
            }
            Some((from, before)) => {
                let (right, down) = (x - from, i32::from(before) - i32::from(y));
                // A minus parts two numbers as well as a space.
                let _ = match down {
                    0 => write!(path, "h{right}"),
                    ..0 => write!(path, "l{right}{down}"),
                    1.. => write!(path, "l{right} {down}"),
                };
            }
        }
        last = Some((x, y));
        // Over the middle of a level stretch the line goes in one step.
        let level_with = |x: usize| levels.get(x).copied().flatten().map(round) == Some(y);
        x += 1;
        while level_with(x) && level_with(x + 1) {
            x += 1;
        }
    }
    path
}

fn round(level: u16) -> u16 {
    (level + 5) / 10
}

/// A share in percent, for the place or the width of something: with as many digits as can be seen.
pub fn share(part: f64, whole: f64) -> String {
    let percent = if whole > 0.0 {
        part / whole * 100.0
    } else {
        0.0
    };
    let text = format!("{percent:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    #[test]
    fn a_class_ends_at_its_bound() {
        for (level, expected) in [
            (0, 0),
            (50, 0),
            (51, 1),
            (200, 1),
            (800, 4),
            (801, 5),
            (1000, 5),
        ] {
            assert_eq!(class(level), expected, "{level}");
        }
    }

    #[test]
    fn runs_are_strokes_and_gaps_are_left_out() {
        let rows = [
            &[Some(0), Some(900), Some(900), None, Some(900)][..],
            &[None, None, None, None, None],
            &[Some(30), None, None, None, Some(990)],
        ];
        assert_eq!(
            heat(&rows, "g").0,
            "<svg class=\"h g\" viewBox=\"0 0 5 3\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\
             <path class=\"c0\" d=\"M0 .5h3m1 0h1m-5 2h1m3 0h1\"/>\
             <path class=\"c5\" d=\"M1 .5h2m1 0h1m-1 2h1\"/></svg>"
        );
    }

    #[test]
    fn a_line_breaks_at_gaps() {
        let levels = [
            Some(0),
            Some(0),
            Some(0),
            Some(1000),
            None,
            Some(500),
            None,
            None,
            Some(104),
            Some(96),
        ];
        assert_eq!(line(&levels), "M0.5 100h2l1-100M5.5 50h0M8.5 90h1");
        assert_eq!(line(&[None, None]), "");
    }

    #[test]
    fn shares_have_no_more_digits_than_they_need() {
        for (part, whole, expected) in [
            (1.0, 3.0, "33.333%"),
            (1.0, 2.0, "50%"),
            (0.0, 0.0, "0%"),
            (5.0, 5.0, "100%"),
        ] {
            assert_eq!(share(part, whole), expected);
        }
    }

    proptest! {
        /// The path is drawn cell by cell again.
        #[test]
        fn a_path_covers_what_is_drawn_and_nothing_else(
            rows in prop::collection::vec(prop::collection::vec(prop::option::of(0_u16..=1000), 7), 1..5),
        ) {
            let slices: Vec<&[Level]> = rows.iter().map(Vec::as_slice).collect();
            let path = runs(&slices, |level| level.is_some_and(|level| level > 500));
            let mut drawn = vec![vec![false; 7]; rows.len()];
            let (mut x, mut y) = (0_i64, 0_i64);
            for step in path.split(['M', 'm']) {
                let Some((to, length)) = step.split_once('h') else { continue };
                let (by, down) = to.split_once(' ').expect("two numbers");
                x += by.parse::<i64>().expect("a number");
                y += down.trim_end_matches(".5").parse::<i64>().unwrap_or(0);
                let length: i64 = length.parse().expect("a number");
                for cell in x..x + length {
                    drawn[usize::try_from(y).expect("a row")][usize::try_from(cell).expect("a cell")] = true;
                }
                x += length;
            }
            let expected: Vec<Vec<bool>> = rows.iter()
                .map(|row| row.iter().map(|level| level.is_some_and(|level| level > 500)).collect())
                .collect();
            prop_assert_eq!(drawn, expected);
        }

        #[test]
        fn a_line_has_a_part_for_each_run_of_readings(levels in prop::collection::vec(prop::option::of(0_u16..=1000), 0..40)) {
            let runs = levels.chunk_by(|a, b| a.is_some() == b.is_some()).filter(|run| run[0].is_some()).count();
            prop_assert_eq!(line(&levels).matches('M').count(), runs);
        }
    }
}
