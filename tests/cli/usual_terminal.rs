//! A terminal of 80 columns, for the bar and for the pager.

use std::fs::File;
use std::io::Read;
use std::num::NonZero;
use std::process::Stdio;
use std::time::Duration;

use pretty_assertions::assert_eq;

use crate::manual::said;
use crate::simulated_cluster::SimulatedNode;
use crate::support::{DATE, Lab};
use crate::terminal::terminal;

const COLUMNS: NonZero<u16> = NonZero::new(80).expect("not 0");

/// All that is written to a terminal until the program has ended.
fn read_all(mut ours: File) -> Vec<u8> {
    let mut all = Vec::new();
    // The end of a terminal is an error.
    let _ = ours.read_to_end(&mut all);
    all
}

#[test]
fn the_bar_fits_and_names_the_date_in_a_range() {
    let lab = (1..=9).fold(Lab::new(), |lab, number| {
        let name = format!("a-node-with-a-long-name-{number}");
        lab.node(SimulatedNode::new(&name).latency(Duration::from_millis(300)))
    });
    let world = lab.start();
    let (ours, theirs) = terminal(COLUMNS);
    let mut command = world.command(&[DATE, "--to", "2025-08-02"]);
    command
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(theirs);
    let mut run = command.spawn().expect("the program starts");
    drop(command);
    let mut screen = vt100::Parser::new(COLUMNS, COLUMNS, 0);
    let (mut bars, mut ours) = (0, ours);
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = ours.read(&mut bytes) {
        for byte in &bytes[..read] {
            screen.process(&[*byte]);
            let rows: Vec<_> = screen.screen().rows(0, COLUMNS.get()).collect();
            if let Some(bar) = rows.iter().position(|row| row.contains("等待")) {
                let dates = [DATE, "2025-08-02"];
                assert!(
                    dates.iter().any(|date| rows[bar].starts_with(date)),
                    "{rows:#?}"
                );
                assert!(
                    rows[bar + 1..].iter().all(|row| row.trim().is_empty()),
                    "{rows:#?}"
                );
                bars += 1;
            }
        }
    }
    assert!(run.wait().expect("its status").success());
    assert!(bars > 5, "the bar was seen in {bars} pictures only");
}

#[test]
fn a_topic_goes_through_the_pager_on_a_terminal_and_there_alone() {
    let topic = said(&["help", "logs"]).stdout;
    let world = Lab::new().start();
    let lines = (1..).zip(topic.lines());
    let numbered: Vec<_> = lines
        .map(|(number, line)| format!("{number:6}\t{line}\n"))
        .collect();
    let numbered = numbered.concat();
    for (pager, expected) in [
        ("cat -n", &numbered),
        ("/nowhere/pager -x", &topic),
        (" ", &topic),
    ] {
        let (ours, theirs) = terminal(COLUMNS);
        let mut command = world.command(&["help", "logs"]);
        command.env("PAGER", pager).stdout(theirs);
        let mut run = command.spawn().expect("the program starts");
        drop(command);
        let printed = String::from_utf8(read_all(ours)).expect("a text");
        assert_eq!(printed.replace("\r\n", "\n"), *expected, "{pager}");
        assert!(run.wait().expect("its status").success());
    }
    let (ours, theirs) = terminal(COLUMNS);
    let mut command = world.command(&["help", "logs", "--log-file", "log"]);
    command.env("PAGER", "false").stdout(theirs);
    let mut run = command.spawn().expect("the program starts");
    drop(command);
    assert_eq!(read_all(ours), b"");
    assert!(run.wait().expect("its status").success());
    let log = world.read("log");
    assert!(log.contains("ended exit_status=0"), "{log}");
    let piped = world.run_with(&["help", "logs"], &[("PAGER", "cat -n")]);
    assert_eq!(piped.exits(0).stdout, topic);
}
