//! What the script reads, as JSON that no text in it can end.

use serde::Serialize;

use super::words::{self, Words, name};
use crate::analysis::overview::{Hold, Lane, Level, Overview};
use crate::model::{Metric, UnixSeconds, clock};

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What stands for a gap: more than any level.
const GAP: u16 = 4095;
/// Before the number of times that the value before is there once more.
const AGAIN: char = '~';

#[derive(Serialize)]
struct Data<'a> {
    /// The first second, from which holds are counted.
    start: UnixSeconds,
    /// The seconds of a cell.
    step: i64,
    words: Words,
    nodes: Vec<String>,
    users: Vec<String>,
    /// Each by id, type, user, and since when.
    tasks: Vec<(String, String, usize, Option<String>)>,
    days: Vec<Day<'a>>,
    gpus: Vec<Gpu<'a>>,
}

/// The date, the start, the cells, the offsets from cells on, until when tasks are known, and the end.
#[derive(Serialize)]
struct Day<'a>(
    String,
    UnixSeconds,
    usize,
    &'a [(usize, i64)],
    UnixSeconds,
    UnixSeconds,
);

#[derive(Serialize)]
struct Gpu<'a> {
    /// The number of its node.
    n: usize,
    g: usize,
    /// The levels of its cells, by metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    u: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    v: Option<String>,
    /// The means of its days, by metric, and how many readings of how many each has.
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<[String; 2]>,
    c: Vec<[usize; 2]>,
    /// Each by task, and from when to when.
    h: Vec<[UnixSeconds; 3]>,
    /// The days on which other tasks may have held it.
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    x: &'a [usize],
}

pub fn json(overview: &Overview) -> String {
    let start = overview.days.first().map_or(0, |day| day.start);
    // On the clocks of its own date.
    let since = |start| {
        let mut at = clock(overview.zone, start);
        at.truncate(at.len() - ":00".len());
        at
    };
    let tasks = overview.tasks.iter().map(|task| {
        let kind = name(task.kind.as_deref().unwrap_or_default());
        (name(&task.id), kind, task.user, task.start.map(since))
    });
    let days = overview.days.iter().map(|day| {
        let date = day.date.to_string();
        Day(
            date,
            day.start,
            day.cells,
            &day.offsets,
            day.tasks_until.unwrap_or(0),
            day.end,
        )
    });
    let is_of_days = !overview.is_one_day();
    let numbered = overview.nodes.iter().enumerate();
    let gpus = numbered.flat_map(|(number, node)| {
        let lanes = node
            .lanes
            .iter()
            .filter(move |lane| overview.shows(number, lane.index));
        lanes.map(move |lane| gpu(lane, number, start, is_of_days))
    });
    let (tasks, gpus) = (tasks.collect(), gpus.collect());
    let data = Data {
        start,
        step: overview.cell_seconds(),
        words: Words::new(overview.user.is_some()),
        nodes: overview.nodes.iter().map(|node| name(&node.name)).collect(),
        users: overview.users.iter().map(|user| name(user)).collect(),
        tasks,
        days: days.collect(),
        gpus,
    };
    without_markup(&only_shown(overview, data))
}

/// Nobody is named who is not shown.
fn only_shown(overview: &Overview, mut data: Data) -> String {
    if let Some(user) = &overview.user {
        for (number, name) in overview.users.iter().enumerate() {
            if name != user {
                data.users[number].clear();
            }
        }
        for task in &mut data.tasks {
            if overview.users[task.2] != *user {
                *task = (String::new(), String::new(), task.2, None);
            }
        }
    }
    serde_json::to_string(&data).expect("it has no key but text")
}

fn gpu(lane: &Lane, node: usize, start: UnixSeconds, is_of_days: bool) -> Gpu<'_> {
    let cells = |metric| {
        Some(code(lane.levels.series(metric).iter().copied())).filter(|code| !code.is_empty())
    };
    let day_means = |metric| {
        let means = lane
            .days
            .iter()
            .map(move |day| words::level(*day.mean.series(metric)));
        code(means)
    };
    let hold = |hold: &Hold| {
        let task = UnixSeconds::try_from(hold.task).unwrap_or(0);
        [task, hold.from - start, hold.to - start]
    };
    Gpu {
        n: node,
        g: lane.index.0,
        u: cells(Metric::Gpu),
        v: cells(Metric::Vram),
        d: is_of_days.then(|| Metric::ALL.map(day_means)),
        c: lane
            .days
            .iter()
            .map(|day| [day.coverage.found, day.coverage.due])
            .collect(),
        h: lane.holds.iter().map(hold).collect(),
        x: &lane.doubted,
    }
}

/// Two digits for each value, and three for a value that is there again and again.
fn code(levels: impl Iterator<Item = Level>) -> String {
    let mut text = String::new();
    let push = |text: &mut String, number: u16| {
        for digit in [number / 64, number % 64] {
            text.push(DIGITS[usize::from(digit)].into());
        }
    };
    let mut run: Option<(Level, u16)> = None;
    let end = |text: &mut String, run: Option<(Level, u16)>| {
        let Some((level, times)) = run else { return };
        push(text, level.unwrap_or(GAP));
        match times {
            1 => {}
            2 => push(text, level.unwrap_or(GAP)),
            _ => {
                text.push(AGAIN);
                push(text, times - 1);
            }
        }
    };
    for level in levels {
        match &mut run {
            Some((same, times)) if *same == level && *times < GAP => *times += 1,
            _ => {
                end(&mut text, run);
                run = Some((level, 1));
            }
        }
    }
    end(&mut text, run);
    text
}

/// JSON in which neither markup nor a line can end anything.
fn without_markup(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' => safe.push_str("\\u003c"),
            '>' => safe.push_str("\\u003e"),
            '&' => safe.push_str("\\u0026"),
            '\u{2028}' => safe.push_str("\\u2028"),
            '\u{2029}' => safe.push_str("\\u2029"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn values_are_two_digits_and_runs_of_them_three_more() {
        let shown = |levels: &[Level]| code(levels.iter().copied());
        assert_eq!(
            shown(&[Some(0), Some(1), Some(64), Some(1000), None]),
            "AAABBAPo__"
        );
        assert_eq!(shown(&[Some(1), Some(1)]), "ABAB");
        assert_eq!(shown(&[Some(1); 144]), "AB~CP");
        assert_eq!(shown(&vec![None; 5000]), "__~_-__~OI");
        assert_eq!(shown(&[]), "");
    }

    #[test]
    fn no_text_ends_the_element_that_it_is_in() {
        let json = without_markup(&serde_json::to_string("</script><!--&\u{2028}").expect("JSON"));
        assert_eq!(json, r#""\u003c/script\u003e\u003c!--\u0026\u2028""#);
    }
}
