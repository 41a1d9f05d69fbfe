//! What stands on a terminal while the program runs: a bar, and lines of the log that it does not tear.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::Duration;

use pretty_assertions::assert_eq;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::simulated_cluster::{Fault, SimulatedNode};
use crate::support::{DATE, Lab, World};

/// More than all lines of a test.
const ROWS: NonZero<u16> = NonZero::new(30).expect("not 0");
/// More than the longest of them.
const COLUMNS: NonZero<u16> = NonZero::new(300).expect("not 0");
/// What only the bar shows.
const BAR: [&str; 3] = ["█", "░", "等待"];

/// A terminal that is so wide: its own end, and the program's.
pub fn terminal(columns: NonZero<u16>) -> (File, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&ours).expect("a right to it");
    unlockpt(&ours).expect("it is not locked");
    let size = Winsize {
        ws_row: ROWS.get(),
        ws_col: columns.get(),
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&ours, size).expect("a size");
    let name = ptsname(&ours, Vec::new()).expect("a name");
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
    (ours.into(), theirs.expect("the other end"))
}

/// The text of a row of the screen.
fn text(screen: &vt100::Screen, row: u16) -> String {
    let text = screen.contents_between(row, 0, row, COLUMNS.get());
    text.trim_end().to_owned()
}

/// Every picture that stood on the terminal while the program ran, each byte of its stderr making one.
fn pictures(world: &World, arguments: &[&str]) -> Vec<Vec<String>> {
    let (mut ours, theirs) = terminal(COLUMNS);
    let mut command = world.command(arguments);
    command
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(theirs);
    let mut run = command.spawn().expect("the program starts");
    // The other end is the program's alone from here on, so that reading ends with it.
    drop(command);
    let mut screen = vt100::Parser::new(ROWS, COLUMNS, 0);
    let mut rows = vec![String::new(); ROWS.get().into()];
    let mut pictures: Vec<Vec<String>> = Vec::new();
    let (mut byte, mut is_escape) = ([0], false);
    while let Ok(1) = ours.read(&mut byte) {
        let (before, _) = screen.screen().cursor_position();
        screen.process(&byte);
        let (after, _) = screen.screen().cursor_position();
        let was_escape = is_escape;
        is_escape = byte == *b"\x1b" || was_escape && !byte[0].is_ascii_alphabetic();
        if is_escape {
            continue;
        }
        // Text changes no row but the cursor's, and to read the others as well takes long.
        let changed = if was_escape || byte[0].is_ascii_control() {
            0..=ROWS.get() - 1
        } else {
            before..=after
        };
        for row in changed {
            rows[usize::from(row)] = text(screen.screen(), row);
        }
        let now = rows.iter().filter(|row| !row.is_empty());
        if !pictures
            .last()
            .is_some_and(|last| last.iter().eq(now.clone()))
        {
            pictures.push(now.cloned().collect());
        }
    }
    run.wait().expect("its status");
    pictures
}

/// Nodes that fail one after the other while the others still hang, so that lines meet the bar.
fn failing_in_turn() -> Lab {
    let node = |number: u64| {
        SimulatedNode::new(&format!("node{number}"))
            .latency(Duration::from_millis(150 * number))
            .fault(Fault::status(503, ""))
    };
    (1..=5)
        .fold(Lab::new(), |lab, number| lab.node(node(number)))
        .tables("[netdata]\nretries = 1")
}

#[test]
fn no_line_of_the_log_shares_its_row_with_the_bar() {
    let world = failing_in_turn().start();
    let pictures = pictures(&world, &["-v", DATE]);
    let has_bar = |row: &str| BAR.iter().any(|part| row.contains(part));
    let is_line = |row: &str| ["info: ", "錯誤："].iter().any(|of| row.contains(of));
    let bars: usize = pictures
        .iter()
        .filter(|rows| rows.iter().any(|row| has_bar(row)))
        .count();
    assert!(bars > 5, "the bar was seen in {bars} pictures only");
    for rows in &pictures {
        for row in rows {
            assert!(!(has_bar(row) && is_line(row)), "{rows:#?}");
        }
    }
    // Of the bar nothing is left, and of the log nothing is lost.
    let last = pictures.last().expect("a picture");
    let begins: Vec<_> = last
        .iter()
        .map(|row| row.split(' ').take(3).collect::<Vec<_>>().join(" "))
        .collect();
    let mut expected = vec![
        format!("info: started version=\"{}\"", env!("CARGO_PKG_VERSION")),
        "info: settings loaded".to_owned(),
    ];
    expected.extend(vec!["info: trying again".to_owned(); 5]);
    for number in 1..=5 {
        let url = world.cluster.url(&format!("node{number}"));
        expected.push(format!("錯誤：無法從 {url} 獲取數據：HTTP"));
    }
    expected.extend(["info: day collected", "info: ended exit_status=1"].map(str::to_owned));
    assert_eq!(begins, expected, "{last:#?}");
}

#[test]
fn a_quiet_run_shows_no_bar_and_neither_does_one_that_logs_objects() {
    let node = SimulatedNode::new("slow").latency(Duration::from_millis(400));
    let world = Lab::new().node(node).start();
    for line in [&["-q", DATE][..], &["--log-format", "json", DATE]] {
        assert_eq!(pictures(&world, line), Vec::<Vec<String>>::new());
    }
    let shown = pictures(&world, &[DATE]);
    let bar = |rows: &Vec<String>| rows.iter().any(|row| row.ends_with("0/1 等待：slow"));
    assert!(shown.iter().any(bar), "{shown:#?}");
    assert_eq!(shown.last(), Some(&Vec::new()), "the bar goes");
}
