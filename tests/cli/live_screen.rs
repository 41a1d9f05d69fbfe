//! The live view on a terminal of its own: what it shows, what its keys do, and how it leaves the terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::{Child, Command};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use chrono::Utc;
use pretty_assertions::assert_eq;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::simulated_cluster::{Fault, SimulatedApi, SimulatedNode, SimulatedTask};
use crate::support::{HOUR, Lab, TOKEN, World};
use crate::terminal::terminal;

const COLUMNS: NonZero<u16> = NonZero::new(80).expect("not 0");
const ROWS: NonZero<u16> = NonZero::new(40).expect("not 0");
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program on a terminal, as whoever sits at it sees it.
struct Seat {
    ours: File,
    bytes: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    program: Child,
}

impl Seat {
    fn take(world: &World, arguments: &[&str]) -> Self {
        let (ours, theirs) = terminal(COLUMNS);
        resize(&ours, ROWS.get(), COLUMNS.get());
        let program = world.command(arguments);
        // A session of its own, of which this is the terminal: it is its that changes of size are said to.
        let mut command = Command::new("setsid");
        command
            .arg("--ctty")
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(world.path("."))
            .env_clear()
            .envs(
                program
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("TERM", "xterm-256color")
            .stdin(theirs.try_clone().expect("a terminal"))
            .stdout(theirs.try_clone().expect("a terminal"))
            .stderr(theirs);
        let program = command.spawn().expect("the program starts");
        drop(command);
        let (sender, bytes) = mpsc::channel();
        let mut reader = ours.try_clone().expect("a terminal");
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut part) {
                if sender.send(part[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let screen = vt100::Parser::new(ROWS, COLUMNS, 0);
        Self {
            ours,
            bytes,
            screen,
            program,
        }
    }

    fn rows(&self) -> Vec<String> {
        let (_, columns) = self.screen.screen().size();
        let rows = self.screen.screen().rows(0, columns.get());
        rows.map(|row| row.trim_end().to_owned()).collect()
    }

    /// Waits for a picture that is so.
    #[track_caller]
    fn until(&mut self, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        while !is_so(&self.rows()) {
            let left = until.saturating_duration_since(Instant::now());
            let bytes = self.bytes.recv_timeout(left);
            let bytes =
                bytes.unwrap_or_else(|error| panic!("{error}, and not so: {:#?}", self.rows()));
            self.screen.process(&bytes);
        }
        self.rows()
    }

    #[track_caller]
    fn until_has(&mut self, part: &str) -> Vec<String> {
        self.until(|rows| rows.iter().any(|row| row.contains(part)))
    }

    fn resize(&mut self, rows: u16, columns: u16) {
        resize(&self.ours, rows, columns);
        let [rows, columns] = [rows, columns].map(|size| NonZero::new(size).expect("not 0"));
        self.screen.screen_mut().set_size(rows, columns);
    }

    fn press(&mut self, keys: &str) {
        self.ours.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// The terminal as it is left, after an end with this status.
    #[track_caller]
    fn ends(mut self, status: i32) {
        let until = Instant::now() + PATIENCE;
        let ended = loop {
            match self.program.try_wait().expect("its status") {
                Some(ended) => break ended,
                None if Instant::now() > until => panic!("it goes on: {:#?}", self.rows()),
                None => thread::sleep(Duration::from_millis(10)),
            }
        };
        while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_millis(300)) {
            self.screen.process(&bytes);
        }
        assert_eq!(ended.code(), Some(status), "{:#?}", self.rows());
        let screen = self.screen.screen();
        assert!(!screen.alternate_screen(), "the other screen is left");
        assert!(!screen.hide_cursor(), "the cursor is to be seen");
        assert_eq!(screen.contents().trim(), "", "nothing was left behind");
        let modes = tcgetattr(&self.ours).expect("its modes").local_modes;
        let usual = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert!(modes.contains(usual), "{modes:?}");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // Where a test has failed it may still be there.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

fn resize(terminal: &File, rows: u16, columns: u16) {
    let size = Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).expect("a size");
}

fn held(node: &str, card: u32, user: &str) -> SimulatedTask {
    let task = SimulatedTask::new(&format!("t-{card}"), user, node);
    let task = task.start(Utc::now().timestamp() - 2 * HOUR);
    task.gpu(card, &format!("APU-00000000000000{card:02x}"))
}

fn small(name: &str) -> SimulatedNode {
    let node = SimulatedNode::new(name).cards(&[1, 9]);
    node.constant(1, 37.5, 12.0).constant(9, 0.0, 0.14)
}

/// Two nodes, on which two users hold a GPU each.
fn lab() -> Lab {
    Lab::new()
        .node(small("one"))
        .node(small("two"))
        .task(held("one", 9, "王小明"))
        .task(held("two", 1, "alice"))
}

#[test]
fn four_nodes_of_eight_are_on_one_screen_and_q_gives_the_terminal_back() {
    let lab = (1..=4).fold(Lab::new(), |lab, number| {
        lab.node(SimulatedNode::new(&format!("colab-gpu{number}")))
    });
    let world = lab.task(held("colab-gpu4", 57, "王小明")).start();
    let mut seat = Seat::take(&world, &["live"]);
    let rows = seat.until(|rows| rows[0].contains("節點 4/4") && rows.join("").contains("王小明"));
    let gpus = rows.iter().filter(|row| row.contains("% ")).count();
    assert_eq!(gpus, 32, "{rows:#?}");
    assert!(rows[0].contains("GPU 32  佔用 1"), "{rows:#?}");
    assert!(rows[33].contains("王小明 t-57 LAB"), "{rows:#?}");
    assert!(rows[39].starts_with("q 離開"), "{rows:#?}");
    assert!(seat.screen.screen().alternate_screen());
    assert!(seat.screen.screen().hide_cursor());
    seat.press("q");
    seat.ends(0);
    let _ = world.run(&["status"]).stdout_has("沒有執行記錄");
}

#[test]
fn control_c_and_a_signal_interrupt_it_and_give_the_terminal_back() {
    let world = lab().start();
    let mut seat = Seat::take(&world, &["live"]);
    seat.until_has("王小明");
    seat.press("\x03");
    seat.ends(130);
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut seat = Seat::take(&world, &["live"]);
        seat.until_has("王小明");
        let pid = i32::try_from(seat.program.id()).expect("a process id");
        kill_process(Pid::from_raw(pid).expect("a process"), signal).expect("it is there");
        seat.ends(130);
    }
}

#[test]
fn the_keys_sort_pause_and_help() {
    let world = lab().start();
    let mut seat = Seat::take(&world, &["live", "--every", "1s", "-vv"]);
    let is_at = |row: usize, part: &'static str| {
        move |rows: &[String]| rows[row].contains(part) && !rows[0].contains("info")
    };
    seat.until(|rows| rows.join("").contains("王小明") && rows[0].contains("2/2"));
    seat.press("u");
    seat.until(is_at(2, "alice"));
    seat.press("i");
    seat.until(|rows| rows[2].contains("王小明") && rows[2].ends_with(" 2:00"));
    seat.press("?");
    seat.until_has("閒置最久的在前");
    seat.press("?n");
    seat.until(|rows| rows[2].starts_with("one ") && !rows.join("").contains("閒置最久"));
    seat.press(" ");
    seat.until_has("[已暫停]");
    thread::sleep(Duration::from_secs(1));
    let asked = world.cluster.requests("one").len();
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(world.cluster.requests("one").len(), asked);
    seat.press(" ");
    seat.until(|rows| !rows[0].contains("已暫停"));
    let until = Instant::now() + PATIENCE;
    while world.cluster.requests("one").len() == asked {
        assert!(Instant::now() < until, "it is never asked again");
        thread::sleep(Duration::from_millis(20));
    }
    let picture = seat.rows().join("\n");
    assert!(
        !picture.contains("info") && !picture.contains("debug"),
        "{picture}"
    );
    seat.press("q");
    // What is logged at the end stands on the screen that was there before.
    let ended = seat.program.wait().expect("its status");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn another_size_is_another_picture_and_what_does_not_fit_is_scrolled_to() {
    let world = lab().start();
    let mut seat = Seat::take(&world, &["live"]);
    seat.until_has("王小明");
    seat.resize(5, 34);
    let rows = seat.until(|rows| rows[4].contains("1-2/4"));
    assert!(rows[1].starts_with("節點"), "{rows:#?}");
    assert!(rows[3].contains("王小明"), "{rows:#?}");
    seat.press("\x1b[B");
    seat.until(|rows| rows[4].contains("2-3/4"));
    seat.press("\x1b[6~");
    seat.until(|rows| rows[4].contains("3-4/4") && rows[2].contains("alice"));
    seat.resize(40, 120);
    let rows = seat.until(|rows| rows[39].starts_with("q 離開"));
    assert!(rows[2].starts_with("one"), "{rows:#?}");
    seat.press("q");
    seat.ends(0);
}

#[test]
fn a_node_that_hangs_holds_up_neither_the_others_nor_the_keys() {
    let world = lab()
        .node(small("hangs").fault(Fault::HangBeforeHeaders))
        .tables("[netdata]\ntimeout = \"2s\"")
        .start();
    let mut seat = Seat::take(&world, &["live", "--every", "1s"]);
    let rows = seat.until(|rows| rows.join("").contains("37.5%") && rows[0].contains("2/3"));
    assert!(
        !rows.join("").contains("無法從"),
        "the others are there first"
    );
    seat.press("u");
    seat.until(|rows| rows[39].contains("u 依使用者*"));
    let rows = seat.until_has("逾時：2.0 秒內沒有完整的回應");
    assert!(rows[2].starts_with("hangs：無法從 http://"), "{rows:#?}");
    seat.press("q");
    seat.ends(0);
    // One question at a time.
    assert!(world.cluster.requests("hangs").len() <= 8);
}

#[test]
fn an_api_that_hangs_holds_up_nothing_and_nobody_is_said_not_to_hold_a_gpu() {
    let api = SimulatedApi::new(TOKEN).fault(Fault::HangBeforeHeaders);
    let tables = "[netdata]\ntimeout = \"2s\"\nretries = 0";
    let world = lab().api(api).tables(tables).start();
    let mut seat = Seat::take(&world, &["live", "--lang", "en"]);
    let rows = seat.until(|rows| rows.join("").contains("37.5%") && rows[0].contains("2/2"));
    assert!(rows[2].ends_with("12.0% …"), "{rows:#?}");
    let rows = seat.until_has("tasks unknown: cannot get data from the management API");
    assert!(!rows.join("").contains("unused"), "{rows:#?}");
    seat.until(|rows| {
        rows.iter()
            .filter(|row| row.ends_with("task unknown"))
            .count()
            == 4
    });
    seat.press("q");
    seat.ends(0);
}

#[test]
fn a_node_that_falls_silent_is_a_red_line_with_grey_values() {
    let fault = Fault::StatusAfter {
        code: 503,
        times: 3,
    };
    let lab = Lab::new().node(small("one").fault(fault));
    let world = lab.start();
    let mut seat = Seat::take(&world, &["live", "--every", "1s"]);
    seat.until_has("37.5%");
    let rows = seat.until_has("灰色的數值是");
    assert!(rows[2].starts_with("one：無法從 "), "{rows:#?}");
    let values = rows
        .iter()
        .position(|row| row.contains("37.5%"))
        .expect("the values");
    let color = |row: usize, column: u16| {
        let row = u16::try_from(row).expect("a row");
        seat.screen
            .screen()
            .cell(row, column)
            .expect("a cell")
            .fgcolor()
    };
    assert_eq!(color(2, 0), vt100::Color::Idx(1));
    let at = rows[values].find("37.5%").expect("the value");
    // There are no wide characters before it.
    assert_eq!(
        color(values, u16::try_from(at).expect("a column")),
        vt100::Color::Idx(8)
    );
    seat.press("q");
    seat.ends(0);
}

#[test]
fn without_somebody_at_the_keys_it_is_the_table() {
    let world = lab().start();
    for (term, has_keys) in [("xterm", false), ("dumb", true)] {
        let (mut ours, theirs) = terminal(COLUMNS);
        let mut command = world.command(&["live"]);
        if has_keys {
            command.stdin(theirs.try_clone().expect("a terminal"));
        }
        command.env("TERM", term).stdout(theirs);
        let mut run = command.spawn().expect("the program starts");
        drop(command);
        let mut printed = Vec::new();
        // The end of a terminal is an error.
        let _ = ours.read_to_end(&mut printed);
        let printed = String::from_utf8(printed).expect("a text");
        let is_table = printed.contains("王小明") && !printed.contains('\x1b');
        assert!(is_table, "{term}: {printed}");
        assert_eq!(run.wait().expect("its status").code(), Some(0));
    }
}
