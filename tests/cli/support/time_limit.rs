//! A program that may hang, so that a test of it fails and does not.

use std::io::{self, Read, Write};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Longer than any run takes, on a busy machine too.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Runs `command` to its end. If that is not there after `limit`, the program is killed, and the error says what it
/// printed until then.
pub(super) fn run_within(limit: Duration, command: &mut Command) -> Result<Output, String> {
    let mut program = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (open, both_closed) = mpsc::channel();
    let stdout = Printed::of(program.stdout.take().expect("a pipe"), open.clone());
    let stderr = Printed::of(program.stderr.take().expect("a pipe"), open);
    if both_closed.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        program.kill().expect("it is still a child");
        program.wait().expect("its status");
        return Err(format!(
            "killed after {limit:?}: {command:?}\nstdout so far:\n{}\nstderr so far:\n{}",
            String::from_utf8_lossy(&stdout.so_far()),
            String::from_utf8_lossy(&stderr.so_far()),
        ));
    }
    Ok(Output {
        status: program.wait().expect("its status"),
        stdout: stdout.so_far(),
        stderr: stderr.so_far(),
    })
}

/// What came out of a pipe, which a thread reads. A program that was killed may have left it open to another.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// Keeps `open` until the pipe is closed.
    fn of(mut pipe: impl Read + Send + 'static, open: Sender<()>) -> Self {
        let printed = Self::default();
        let mut bytes = printed.clone();
        thread::spawn(move || {
            io::copy(&mut pipe, &mut bytes).expect("a pipe can be read");
            drop(open);
        });
        printed
    }

    fn so_far(&self) -> Vec<u8> {
        self.0.lock().expect("no panic").clone()
    }
}

impl Write for Printed {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(part)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_program_that_hangs_is_killed_and_what_it_printed_is_shown() {
    let mut hangs = Command::new("sh");
    hangs.args(["-c", "echo first; echo problem >&2; exec sleep 600"]);
    let said = run_within(Duration::from_secs(1), &mut hangs).expect_err("it hangs");
    assert!(said.starts_with("killed after 1s: "), "{said}");
    let printed = "\nstdout so far:\nfirst\n\nstderr so far:\nproblem\n";
    assert!(said.ends_with(printed), "{said}");
}

#[test]
fn a_program_that_ends_is_seen_whole() {
    let mut ends = Command::new("sh");
    ends.args(["-c", "echo first; echo problem >&2; exit 3"]);
    let output = run_within(LIMIT, &mut ends).expect("its end");
    let (stdout, stderr) = (&output.stdout[..], &output.stderr[..]);
    assert_eq!((stdout, stderr), (&b"first\n"[..], &b"problem\n"[..]));
    assert_eq!(output.status.code(), Some(3));
}
