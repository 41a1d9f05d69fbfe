//! Building the program itself, of which an example is no part.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::Done;

/// Builds the program into the target directory, and says all the time that it goes on.
///
/// It is built with this example because it would be built with other features of its dependencies without, and so would
/// they.
pub(crate) fn build(target: &Path) -> Done {
    eprintln!("Building the program, which takes a minute or two the first time:");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--manifest-path", manifest])
        .args(["--bin", "daily-gpu-log", "--example", "simulated-cluster"])
        .arg("--target-dir")
        .arg(target);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // What `cargo run` sets for this process. The build script of a dependency would take it for a change.
    for (name, _) in std::env::vars_os() {
        let is_of_this = |prefix| name.to_string_lossy().starts_with(prefix);
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .into_iter()
            .any(is_of_this)
        {
            cargo.env_remove(name);
        }
    }
    let started = Instant::now();
    let mut said = started;
    let mut building = cargo.spawn()?;
    let status = loop {
        if let Some(status) = building.try_wait()? {
            break status;
        }
        thread::sleep(Duration::from_millis(50));
        // On a terminal cargo shows it.
        if said.elapsed() > Duration::from_secs(8) && !io::stderr().is_terminal() {
            said = Instant::now();
            eprintln!("    ... for {} seconds", started.elapsed().as_secs());
        }
    };
    if status.success() {
        Ok(())
    } else {
        Err(format!("cargo ended with {status}").into())
    }
}
