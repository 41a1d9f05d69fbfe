//! The live view for as long as somebody looks at it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::LiveArgs;
use super::asking::Asking;
use crate::commands::calendar::now;
use crate::model::{ExitStatus, text};
use crate::outlets::live::{Drawn, Looks, Screen, Wish, draw, next_event};
use crate::report::live::Gathered;

/// How long an answer may wait until it is drawn.
const WAIT: Duration = Duration::from_millis(100);
/// Longer than a signal takes to end the program.
const END: Duration = Duration::from_secs(1);

pub fn run(asking: &mut Asking, gathered: &mut Gathered, args: &LiveArgs) -> Result<ExitStatus> {
    let not_shown = || text("無法使用終端機", "cannot use the terminal");
    let mut screen = Screen::enter().with_context(not_shown)?;
    let mut looks = Looks::default();
    let (mut due, mut drawn_at) = (Instant::now(), None);
    loop {
        if !looks.is_paused && Instant::now() >= due {
            asking.ask();
            due = Instant::now() + args.every;
        }
        let is_news = asking.take_all(gathered);
        if is_news && !looks.is_paused {
            asking.ask_days(gathered);
        }
        let event = next_event(WAIT).with_context(not_shown)?;
        let wish = event.and_then(|event| looks.take(&event));
        match wish {
            Some(Wish::Quit) => return Ok(ExitStatus::Complete),
            Some(Wish::Interrupt) => return Ok(ExitStatus::Interrupted),
            Some(Wish::Draw) | None => {}
        }
        let second = Some(now());
        if is_news || wish.is_some() || drawn_at != second {
            drawn_at = second;
            let view = gathered.view(now(), args.user.as_deref());
            match screen
                .draw(|frame| draw(frame, &view, &mut looks))
                .with_context(not_shown)?
            {
                Drawn::Whole => {}
                Drawn::HasBug => return Ok(ExitStatus::Failed),
                Drawn::IsOver => {
                    thread::sleep(END);
                    return Ok(ExitStatus::Interrupted);
                }
            }
        }
    }
}
