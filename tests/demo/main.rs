//! A simulated cluster to try the program on: `cargo run --example simulated-cluster`.
//!
//! By itself it starts four nodes of eight GPUs, runs the real program against them for yesterday, and shows
//! what was written; with `--lang en` in English. With `--serve` the cluster then runs on, for the other commands. With
//! `nodes` it only starts nodes, for the scripts.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it is for a terminal"
)]

#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each target uses a part of it"
)]
#[path = "../simulated_cluster/mod.rs"]
mod simulated_cluster;

mod build;
mod nodes;
mod show;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => show::show("zh-TW"),
        ["--lang", language @ ("zh-TW" | "en")] => show::show(language),
        ["--serve"] => show::serve("zh-TW"),
        ["--serve", "--lang", language @ ("zh-TW" | "en")]
        | ["--lang", language @ ("zh-TW" | "en"), "--serve"] => show::serve(language),
        ["nodes", nodes, latency_ms, tasks, directory] => {
            nodes::serve(nodes, latency_ms, tasks, ["0", "0"], directory.as_ref())
        }
        ["nodes", nodes, latency_ms, tasks, directory, hanging, down] => nodes::serve(
            nodes,
            latency_ms,
            tasks,
            [hanging, down],
            directory.as_ref(),
        ),
        _ => Err(
            "usage: simulated-cluster [--serve] [--lang zh-TW|en] | simulated-cluster nodes NODES LATENCY_MS TASKS DIRECTORY [HANGING_PERCENT DOWN_PERCENT]"
                .into(),
        ),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Done = Result<(), Box<dyn std::error::Error>>;

/// The token that the simulated management API takes.
const TOKEN: &str = "simulated-token";

/// The cards of a simulated node.
const CARDS: [u32; 8] = [1, 9, 17, 25, 33, 41, 49, 57];

/// Writes the settings and the token that lead to `cluster`, and answers the settings file's path.
fn write_settings(
    cluster: &simulated_cluster::SimulatedCluster,
    directory: &std::path::Path,
) -> std::io::Result<std::path::PathBuf> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;

    let token_file = directory.join("token");
    let mut private = std::fs::OpenOptions::new();
    private.create(true).write(true).truncate(true).mode(0o600);
    writeln!(private.open(&token_file)?, "{TOKEN}")?;
    let settings = directory.join("daily-gpu-log.toml");
    let text = format!(
        "{}token_file = \"{}\"\n",
        cluster.settings(),
        token_file.display()
    );
    std::fs::write(&settings, text)?;
    Ok(settings)
}
