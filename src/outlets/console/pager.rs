//! Long texts, through the pager of whoever reads them on a terminal.

use std::io::{self, IsTerminal, Seek, Write};
use std::process::Command;
use std::{env, fmt};

use super::{PrintError, print};

/// Prints a text, through `$PAGER` where stdout is a terminal and the pager can be run.
pub fn print_long(text: impl fmt::Display) -> Result<(), PrintError> {
    let text = text.to_string();
    if io::stdout().is_terminal()
        && let Ok(pager) = env::var("PAGER")
        && let mut words = pager.split_whitespace()
        && let Some(program) = words.next()
        && let Ok(mut file) = tempfile::tempfile()
        && file.write_all(text.as_bytes()).is_ok()
        && file.rewind().is_ok()
        && let Ok(mut pager) = Command::new(program).args(words).stdin(file).spawn()
    {
        // How the pager ends is its own affair.
        let _ = pager.wait();
        return Ok(());
    }
    print(text)
}
