//! The builder of a test's world: a temporary directory, a simulated cluster, and the command.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::TOKEN;
use super::outcome::Outcome;
use super::time_limit::{LIMIT, run_within};
use crate::simulated_cluster::{SimulatedApi, SimulatedCluster, SimulatedNode, SimulatedTask};

/// What a test sets up before it runs the program.
#[must_use]
pub(crate) struct Lab {
    nodes: Vec<SimulatedNode>,
    api: SimulatedApi,
    /// Keys of the top level of the settings file.
    top: String,
    /// Tables that follow the cluster's own.
    tables: String,
    token: Option<String>,
    /// The keys of `[ledger]`.
    ledger: String,
    /// Names of nodes, and the keys that their tables get besides the cluster's own.
    of_nodes: Vec<(String, String)>,
}

impl Lab {
    /// A cluster without nodes, whose API has no tasks.
    pub(crate) fn new() -> Self {
        Self {
            nodes: Vec::new(),
            api: SimulatedApi::new(TOKEN),
            top: String::new(),
            tables: String::new(),
            token: Some(TOKEN.to_owned()),
            // The simulated GPUs are busy whoever holds them, which would be a warning in every test.
            ledger: "busy_percent = 100".to_owned(),
            of_nodes: Vec::new(),
        }
    }

    /// A cluster of the one node `colab-gpu4`.
    pub(crate) fn colab_gpu4() -> Self {
        Self::new().node(SimulatedNode::new("colab-gpu4"))
    }

    pub(crate) fn node(mut self, node: SimulatedNode) -> Self {
        self.nodes.push(node);
        self
    }

    pub(crate) fn task(mut self, task: SimulatedTask) -> Self {
        self.api = self.api.task(task);
        self
    }

    pub(crate) fn api(mut self, api: SimulatedApi) -> Self {
        self.api = api;
        self
    }

    /// Adds keys to the top level of the settings file.
    pub(crate) fn settings(mut self, keys: &str) -> Self {
        self.top.push_str(keys);
        self.top.push('\n');
        self
    }

    /// Adds tables to the end of the settings file. The keys before the first table belong to `[management_api]`.
    pub(crate) fn tables(mut self, tables: &str) -> Self {
        self.tables.push_str(tables);
        self.tables.push('\n');
        self
    }

    /// Other keys of `[ledger]` than the one that leaves busy GPUs without a task alone.
    pub(crate) fn ledger(mut self, keys: &str) -> Self {
        keys.clone_into(&mut self.ledger);
        self
    }

    /// Another token than the API's in the token file; `None` for no token file.
    pub(crate) fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    /// Adds an entry that the management API answers as it is, whatever it is asked for.
    pub(crate) fn raw_task(mut self, id: &str, task: Value) -> Self {
        self.api = self.api.raw_task(id, task);
        self
    }

    /// Adds keys to the table of a node.
    pub(crate) fn node_settings(mut self, node: &str, keys: &str) -> Self {
        self.of_nodes.push((node.to_owned(), keys.to_owned()));
        self
    }

    /// Leaves it to the program how often it tries again.
    pub(crate) fn with_usual_retries(self) -> Self {
        self.tables("[netdata]\n")
    }

    /// Starts the cluster.
    pub(crate) fn start(self) -> World {
        self.start_in(temporary_directory())
    }

    /// Starts the cluster in the directory of an earlier world, whose own cluster ends.
    pub(crate) fn start_after(self, earlier: World) -> World {
        let World { directory, cluster } = earlier;
        drop(cluster);
        self.start_in(directory)
    }

    fn start_in(self, directory: TempDir) -> World {
        let cluster = SimulatedCluster::start(self.nodes, self.api);
        let world = World { directory, cluster };
        // Most tests are not about a second try, which would have to be waited for.
        let netdata = if self.tables.contains("[netdata]") {
            ""
        } else {
            "[netdata]\nretries = 0\n"
        };
        let mut settings = format!(
            "{}\n[ledger]\n{}\n{netdata}{}",
            self.top,
            self.ledger,
            world.cluster.settings()
        );
        for (node, keys) in self.of_nodes {
            let name = format!("name = \"{node}\"\n");
            assert!(settings.contains(&name), "no node {node}");
            settings = settings.replacen(&name, &format!("{name}{keys}\n"), 1);
        }
        if let Some(token) = self.token {
            let path = world.path("token");
            let mut private = OpenOptions::new();
            private.create(true).write(true).truncate(true).mode(0o600);
            writeln!(private.open(&path).expect("the token file"), "{token}").expect("a token");
            writeln!(settings, "token_file = \"{}\"", path.display()).expect("a String takes all");
        }
        settings.push_str(&self.tables);
        world.write("daily-gpu-log.toml", &settings);
        world
    }

    /// Starts the cluster and runs the program in it once.
    #[must_use]
    #[track_caller]
    pub(crate) fn run(self, arguments: &[&str]) -> Outcome {
        self.start().into_outcome(arguments)
    }
}

/// A directory in memory, if the machine has such and `TMPDIR` names no other place: every run waits until its files are
/// on the disk, and there for what all others write.
fn temporary_directory() -> TempDir {
    let place = match env::var_os("TMPDIR") {
        None if Path::new("/dev/shm").is_dir() => PathBuf::from("/dev/shm"),
        _ => env::temp_dir(),
    };
    TempDir::with_prefix_in("daily-gpu-log-test-", place).expect("a temporary directory")
}

/// A cluster, and the directory that the program runs in. Its settings file is where the program finds it by itself.
pub(crate) struct World {
    directory: TempDir,
    pub(crate) cluster: SimulatedCluster,
}

impl World {
    /// Runs the program.
    #[must_use]
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.run_with(arguments, &[])
    }

    /// Runs the program with environment variables besides those that every run has.
    #[must_use]
    #[track_caller]
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Outcome {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        self.outcome(arguments, &mut command)
    }

    /// The command that [`World::run`] runs, for tests that do more than wait for its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_daily-gpu-log"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("HOME", self.path("home"))
            // The zone of the machine is no concern of the program.
            .env("TZ", "America/New_York");
        command
    }

    #[track_caller]
    fn into_outcome(self, arguments: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        outcome.keeping(self)
    }

    /// The path of something in the directory.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(relative)
    }

    pub(crate) fn write(&self, relative: &str, text: &str) {
        let path = self.path(relative);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("a directory");
        }
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn set_mode(&self, relative: &str, mode: u32) {
        fs::set_permissions(self.path(relative), Permissions::from_mode(mode)).expect("a mode");
    }

    pub(crate) fn read(&self, relative: &str) -> String {
        fs::read_to_string(self.path(relative)).expect("a file")
    }

    /// Replaces `old` in the settings file, where it must be.
    #[track_caller]
    pub(crate) fn edit_settings(&self, old: &str, new: &str) {
        let settings = self.read("daily-gpu-log.toml");
        assert!(settings.contains(old), "no {old:?} in {settings}");
        self.write("daily-gpu-log.toml", &settings.replace(old, new));
    }

    /// Runs the program as the end of a shell script, which finds it as `"$@"`.
    #[must_use]
    #[track_caller]
    pub(crate) fn run_in_shell(&self, script: &str, arguments: &[&str]) -> Outcome {
        let program = self.command(arguments);
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", script, "sh"])
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .env_clear();
        for (name, value) in program.get_envs() {
            shell.env(name, value.unwrap_or_default());
        }
        self.outcome(arguments, &mut shell)
    }

    #[track_caller]
    fn outcome(&self, arguments: &[&str], command: &mut Command) -> Outcome {
        match run_within(LIMIT, command) {
            Ok(output) => Outcome::new(arguments, &output, self.directory.path()),
            Err(hung) => panic!("{hung}"),
        }
    }
}

/// Waits until a node of the cluster is asked, by a run that goes on meanwhile.
#[track_caller]
pub(crate) fn wait_for_request(world: &World, node: &str) {
    let until = Instant::now() + Duration::from_secs(10);
    while world.cluster.requests(node).is_empty() {
        assert!(Instant::now() < until, "{node} is never asked");
        thread::sleep(Duration::from_millis(5));
    }
}
