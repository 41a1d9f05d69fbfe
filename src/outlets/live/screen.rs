//! The terminal while the whole of it is ours. Whatever ends the program gives it back as it was.

use std::io::{self, IsTerminal, Stdout};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use std::{env, panic};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};

/// Whether the terminal is ours.
static SHOWN: AtomicBool = AtomicBool::new(false);
/// Whether a bug has ended the view.
static HAS_BUG: AtomicBool = AtomicBool::new(false);
/// Held while a picture is drawn.
static DRAWING: Mutex<()> = Mutex::new(());

pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

/// What became of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawn {
    Whole,
    /// A signal ends the program.
    IsOver,
    HasBug,
}

impl Screen {
    /// Whether somebody sits at both ends of a terminal that can show pictures.
    pub fn is_possible() -> bool {
        let can_draw = env::var_os("TERM").is_some_and(|kind| kind != "dumb");
        can_draw && io::stdin().is_terminal() && io::stdout().is_terminal()
    }

    /// Takes the terminal over, and sees to it that a bug gives it back before it is logged.
    pub fn enter() -> io::Result<Self> {
        let log = panic::take_hook();
        panic::set_hook(Box::new(move |bug| {
            HAS_BUG.store(true, Ordering::SeqCst);
            leave();
            log(bug);
        }));
        enable_raw_mode()?;
        SHOWN.store(true, Ordering::SeqCst);
        let entered = execute!(io::stdout(), EnterAlternateScreen);
        let terminal = entered.and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())));
        terminal.map(Self).inspect_err(|_| leave())
    }

    /// Draws a picture, unless the terminal is not ours any more.
    pub fn draw(&mut self, picture: impl FnOnce(&mut Frame)) -> io::Result<Drawn> {
        let drawing = DRAWING.lock();
        if drawing.is_err() || HAS_BUG.load(Ordering::SeqCst) {
            return Ok(Drawn::HasBug);
        }
        if !is_shown() {
            return Ok(Drawn::IsOver);
        }
        self.0.draw(picture)?;
        Ok(Drawn::Whole)
    }
}

/// What is pressed, or another size of the terminal, if there is any within `patience`.
pub fn next_event(patience: Duration) -> io::Result<Option<Event>> {
    if event::poll(patience)? {
        event::read().map(Some)
    } else {
        Ok(None)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        leave();
    }
}

pub fn is_shown() -> bool {
    SHOWN.load(Ordering::SeqCst)
}

/// Gives the terminal back, if it is ours: also from another thread, but not into the middle of a picture.
pub fn leave() {
    const TRIES: u32 = 20;
    if !SHOWN.swap(false, Ordering::SeqCst) {
        return;
    }
    // A bug may have come about in the picture, and the terminal may take no more of it.
    let mut drawing = DRAWING.try_lock();
    for _ in 0..TRIES {
        if drawing.is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(5));
        drawing = DRAWING.try_lock();
    }
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::Read;
    use std::num::NonZero;
    use std::os::fd::OwnedFd;
    use std::process::{Command, Stdio};

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

    /// Is run on a terminal of its own by the test below.
    #[test]
    #[ignore = "it takes over the terminal, and panics"]
    fn bug() {
        let mut screen = Screen::enter().expect("a terminal");
        let drawn = screen.draw(|_| panic!("a panic that the test wants"));
        panic!("{drawn:?}");
    }

    fn terminal() -> (File, OwnedFd) {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
        grantpt(&ours).expect("a right to it");
        unlockpt(&ours).expect("it is not locked");
        let size = Winsize {
            ws_row: 24,
            ws_col: 80,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&ours, size).expect("a size");
        let name = ptsname(&ours, Vec::new()).expect("a name");
        let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        (ours.into(), theirs.expect("the other end"))
    }

    #[test]
    fn a_bug_in_a_picture_gives_the_terminal_back_before_it_is_reported() {
        let (mut ours, theirs) = terminal();
        let modes = tcgetattr(&theirs).expect("its modes");
        let another = || Stdio::from(theirs.try_clone().expect("a terminal"));
        let mut command = Command::new("setsid");
        let name = "outlets::live::screen::tests::bug";
        command
            .arg("--ctty")
            .arg(env::current_exe().expect("this test"))
            .args([
                "--exact",
                name,
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env("RUST_BACKTRACE", "0")
            .stdin(another())
            .stdout(another())
            .stderr(another());
        let mut run = command.spawn().expect("the test starts");
        drop(command);
        drop(theirs);
        let mut bytes = Vec::new();
        // The end of a terminal is an error.
        let _ = ours.read_to_end(&mut bytes);
        assert!(!run.wait().expect("its status").success());
        let [rows, columns] = [24, 80].map(|size| NonZero::new(size).expect("not 0"));
        let mut seen = vt100::Parser::new(rows, columns, 0);
        seen.process(&bytes);
        let screen = seen.screen();
        let text = screen.contents();
        assert!(text.contains("a panic that the test wants"), "{text}");
        assert!(!screen.alternate_screen() && !screen.hide_cursor());
        let entered = String::from_utf8_lossy(&bytes).into_owned();
        assert!(entered.contains("\u{1b}[?1049h"), "{entered}");
        let now = tcgetattr(&ours).expect("its modes").local_modes;
        assert_eq!(now, modes.local_modes);
        assert!(now.contains(LocalModes::ICANON | LocalModes::ECHO));
    }
}
