//! How wide the columns are, and which stay where the terminal is narrow.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub const COUNT: usize = 9;
/// Between two columns.
pub const GAP: usize = 1;

/// In the order of the header: node, GPU, utilisation, the last hour, VRAM, user, task, since, idle.
const NODE: usize = 0;
const USER: usize = 5;
const TASK: usize = 6;
/// The first to go where not all fit.
const SPARED: [usize; 5] = [TASK, 7, 3, 4, 8];
/// What a node, a user and a task have at least, as long as there are columns to be spared.
const ENOUGH: [(usize, usize); 3] = [(NODE, 16), (USER, 12), (TASK, 6)];
/// What they have at least in any case.
const LEAST: usize = 6;

/// The widths of the columns whose contents are `wanted` wide; 0 for those that are left out.
pub fn widths(wanted: [usize; COUNT], width: usize) -> [usize; COUNT] {
    let mut widths = wanted;
    for (name, enough) in ENOUGH {
        widths[name] = wanted[name].min(enough);
    }
    let mut spared = SPARED.into_iter();
    while total(&widths) > width {
        let Some(column) = spared.next() else {
            for name in [NODE, USER] {
                widths[name] = wanted[name].min(LEAST);
            }
            break;
        };
        widths[column] = 0;
    }
    for (name, _) in ENOUGH {
        if widths[name] > 0 {
            let left = width.saturating_sub(total(&widths));
            widths[name] = wanted[name].min(widths[name] + left);
        }
    }
    widths
}

fn total(widths: &[usize; COUNT]) -> usize {
    let shown = widths.iter().filter(|width| **width > 0);
    shown.clone().sum::<usize>() + shown.count().saturating_sub(1) * GAP
}

/// The text in exactly so many columns, with a mark where it is cut, to the left or to the right.
pub fn fit(text: &str, width: usize, is_right: bool) -> String {
    let mut fitted = cut(text, width);
    let spaces = " ".repeat(width.saturating_sub(fitted.width()));
    if is_right {
        spaces + &fitted
    } else {
        fitted.push_str(&spaces);
        fitted
    }
}

fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        cut.push(c);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// The text in lines of at most so many columns, broken at a space where there is one near the end.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    let mut lines = Vec::new();
    let mut rest = text;
    while rest.width() > width {
        let (mut end, mut used) = (0, 0);
        for (at, c) in rest.char_indices() {
            used += c.width().unwrap_or(0);
            if used > width {
                break;
            }
            end = at + c.len_utf8();
        }
        let space = rest[..end].rfind(' ').filter(|at| at * 2 > end);
        // The space itself stands in neither line.
        let (line, next) = match space {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => rest.split_at(end),
        };
        lines.push(line.to_owned());
        rest = next;
    }
    lines.push(rest.to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    const WANTED: [usize; COUNT] = [10, 3, 6, 12, 6, 8, 20, 11, 6];

    #[test]
    fn columns_give_way_and_go_in_their_order() {
        for (width, expected) in [
            (120, WANTED),
            (80, [10, 3, 6, 12, 6, 8, 10, 11, 6]),
            (76, [10, 3, 6, 12, 6, 8, 6, 11, 6]),
            (72, [10, 3, 6, 12, 6, 8, 0, 11, 6]),
            (60, [10, 3, 6, 12, 6, 8, 0, 0, 6]),
            (40, [10, 3, 6, 0, 0, 8, 0, 0, 6]),
            (26, [8, 3, 6, 0, 0, 6, 0, 0, 0]),
            (10, [6, 3, 6, 0, 0, 6, 0, 0, 0]),
        ] {
            assert_eq!(widths(WANTED, width), expected, "{width}");
        }
    }

    #[test]
    fn a_wide_character_is_never_halved() {
        assert_eq!(fit("王小明", 6, false), "王小明");
        assert_eq!(fit("王小明", 5, false), "王小…");
        assert_eq!(fit("王小明", 4, false), "王… ");
        assert_eq!(fit("王小明", 1, false), "…");
        assert_eq!(fit("王小明", 0, false), "");
        assert_eq!(fit("9%", 4, true), "  9%");
    }

    #[test]
    fn a_long_reason_is_whole_in_several_lines() {
        assert_eq!(wrap("沒有回應（3 秒）", 6), ["沒有回", "應（3", "秒）"]);
        assert_eq!(wrap("no answer in time", 10), ["no answer", "in time"]);
        assert_eq!(wrap("", 10), [""]);
        assert_eq!(wrap("ab", 0), ["ab"]);
    }
}
