//! The terminal while the whole of it is ours. Whatever ends the program gives it back as it was.

use std::io::{self, IsTerminal, Stdout};
use std::panic;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

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
    /// Whether somebody sits at both ends.
    pub fn is_possible() -> bool {
        io::stdin().is_terminal() && io::stdout().is_terminal()
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
