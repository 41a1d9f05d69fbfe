//! The first thing that a new user runs: the real program against a simulated cluster, and what it writes.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use chrono::{Days, Utc};

use crate::build::build;
use crate::simulated_cluster::{SimulatedApi, SimulatedCluster, SimulatedNode, SimulatedTask};
use crate::{CARDS, Done, TOKEN, write_settings};

const HOUR: i64 = 3600;

/// Runs the program, and says what to do next.
pub(crate) fn show(language: &str) -> Done {
    let demo = Demonstration::set_up(language)?;
    demo.run()?;
    let lang = demo.text("", " --lang en");
    let serve = format!("cargo run --example simulated-cluster -- --serve{lang}");
    let init = format!(
        "{} config init{lang} --output daily-gpu-log.toml",
        demo.program.display()
    );
    println!("\n{}", demo.text("接下來可以：", "What to do next:"));
    for (command, what) in [
        (
            serve,
            demo.text(
                "讓叢集繼續執行，再試其他命令",
                "keep the cluster running, to try more",
            ),
        ),
        (
            "cargo test".to_owned(),
            demo.text("README 的另一個命令", "the README's other command"),
        ),
        (
            init,
            demo.text("您自己叢集的設定檔", "settings for your own cluster"),
        ),
    ] {
        println!("  {command}   # {what}");
    }
    Ok(())
}

/// Runs the program, and keeps the cluster running until somebody ends it.
pub(crate) fn serve(language: &str) -> Done {
    let demo = Demonstration::set_up(language)?;
    demo.run()?;
    // So that the commands find the tree wherever they are given.
    let data_dir = format!("data_dir = \"{}\"\n", demo.directory.join("data").display());
    let settings = fs::read_to_string(&demo.settings)?;
    fs::write(&demo.settings, data_dir + &settings)?;
    let title = demo.text(
        "叢集會執行到您按下 Ctrl-C 為止。可以在另一個終端機試試：",
        "The cluster runs until you press Ctrl-C. Try in another terminal:",
    );
    println!("\n{title}");
    for (arguments, what) in [
        (
            "yesterday --catch-up 6",
            demo.text("也收集之前的六天", "collects the six days before, too"),
        ),
        ("status", demo.text("每一天收集得如何", "how each day went")),
        (
            "live",
            demo.text("現在誰在用哪張 GPU", "who is on which GPU now"),
        ),
        (
            "report --days 7",
            demo.text("七天的網頁", "a page of seven days"),
        ),
        (
            "users",
            demo.text("誰佔用了多少 GPU 小時", "who held how many GPU-hours"),
        ),
        (
            "check",
            demo.text("今晚的執行會不會成功？", "would tonight's run succeed?"),
        ),
        (
            "alerts",
            demo.text("誰的 GPU 閒置已久", "whose GPUs did nothing for long"),
        ),
    ] {
        let (program, settings) = (demo.program.display(), demo.settings.display());
        println!("  {program} {arguments} --config {settings}   # {what}");
    }
    loop {
        thread::park();
    }
}

/// A cluster of four nodes of eight GPUs while it runs, and what is needed to collect its yesterday.
struct Demonstration {
    _cluster: SimulatedCluster,
    program: PathBuf,
    /// Beside the program, so that nothing is left elsewhere.
    directory: PathBuf,
    settings: PathBuf,
    day: String,
    is_english: bool,
}

impl Demonstration {
    fn set_up(language: &str) -> Result<Self, Box<dyn Error>> {
        let example = std::env::current_exe()?;
        let built = example.parent().and_then(Path::parent);
        let target = built.and_then(Path::parent);
        let (Some(built), Some(target)) = (built, target) else {
            return Err("the example lies in no target directory".into());
        };
        build(target)?;
        let directory = built.join("simulated-cluster");
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        let date = Utc::now().date_naive() - Days::new(1);
        let midnight = date.and_hms_opt(0, 0, 0).ok_or("midnight")?.and_utc();
        let cluster = cluster(midnight.timestamp());
        let settings = write_settings(&cluster, &directory)?;
        let languages = format!("language = \"{language}\"\nfile_language = \"{language}\"\n");
        fs::write(&settings, languages + &fs::read_to_string(&settings)?)?;
        Ok(Self {
            settings,
            _cluster: cluster,
            program: built.join("daily-gpu-log"),
            directory,
            day: date.to_string(),
            is_english: language == "en",
        })
    }

    fn text(&self, chinese: &'static str, english: &'static str) -> &'static str {
        if self.is_english { english } else { chinese }
    }

    /// Runs the program, and shows the essence of what it wrote.
    fn run(&self) -> Done {
        let day = &self.day;
        let title = self.text(
            "模擬的四個節點，各八張 GPU，四位使用者，一段缺漏，以及一張沒有任務佔用卻忙碌的 GPU：",
            "Four simulated nodes of eight GPUs, four users, one gap, and a GPU that is busy though no task holds it:",
        );
        println!("\n{title}");
        println!("\n$ cd {}", self.directory.display());
        println!("$ daily-gpu-log --config daily-gpu-log.toml {day}");
        self.program(&[day])?;

        println!("\n$ ls data/*/*");
        println!(
            "data/colab-gpu1/{day}: {}",
            self.names(&format!("data/colab-gpu1/{day}"))?
        );
        let others = self.text(
            "… colab-gpu2、colab-gpu3 與 colab-gpu4 也一樣",
            "... and the same of colab-gpu2, colab-gpu3 and colab-gpu4",
        );
        println!("{others}");
        println!("data/reports: {}", self.names("data/reports")?);

        let average = format!("data/colab-gpu4/{day}/average_{day}.csv");
        println!("\n$ cat {average}");
        print!("{}", self.read(&average)?);

        let summary = format!("data/colab-gpu4/{day}/summary_{day}.txt");
        let means = self.text("整體平均 VRAM", "Overall mean VRAM");
        println!("\n$ sed '1,/^{means}/d' {summary}");
        let summary = self.read(&summary)?;
        let lines = summary.lines();
        let lines = lines.skip_while(|line| !line.starts_with(means));
        lines.skip(1).for_each(|line| println!("{line}"));

        let users = format!("data/reports/users_{day}.csv");
        let (header, total) = (
            self.text("類別", "kind"),
            self.text("配置合計", "held_total"),
        );
        println!("\n$ grep '{header}\\|{total}' {users} | cut -d , -f 1-9");
        for row in self.read(&users)?.lines() {
            if row.starts_with(header) || row.starts_with(total) {
                let columns: Vec<_> = row.split(',').take(9).collect();
                println!("{}", columns.join(","));
            }
        }

        println!("\n$ daily-gpu-log --config daily-gpu-log.toml report {day}");
        self.program(&["report", day])?;
        let page = self
            .directory
            .join(format!("data/reports/report_{day}.html"));
        let where_it_is = self.text("在瀏覽器中開啟：", "Open it in a browser: ");
        println!("{where_it_is}file://{}", page.display());
        Ok(())
    }

    fn program(&self, arguments: &[&str]) -> Done {
        let mut run = Command::new(&self.program);
        run.args(["--config", "daily-gpu-log.toml"]).args(arguments);
        let status = run.current_dir(&self.directory).status()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the program ended with {status}").into())
        }
    }

    fn read(&self, path: &str) -> io::Result<String> {
        fs::read_to_string(self.directory.join(path))
    }

    /// The names of a directory's files, in one line; between the first GPU and the last there are dots.
    fn names(&self, path: &str) -> io::Result<String> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.directory.join(path))? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        let is_between = |name: &String| (1..7).any(|gpu| name.starts_with(&format!("gpu{gpu}_")));
        names.retain(|name| !is_between(name));
        Ok(names.join(" ").replace(" gpu7", " ... gpu7"))
    }
}

/// Four nodes, six tasks of four users, and an hour in which one GPU was not measured. What no task holds is idle, but
/// for one GPU.
fn cluster(midnight: i64) -> SimulatedCluster {
    let gap = midnight + 3 * HOUR;
    let node = |name: &str, held: &[u32]| {
        let idle = CARDS.into_iter().filter(|card| !held.contains(card));
        idle.fold(SimulatedNode::new(name), |node, card| {
            node.constant(card, 0.0, 0.14)
        })
    };
    let nodes = [
        node("colab-gpu1", &[1]),
        node("colab-gpu2", &[]),
        node("colab-gpu3", &[]),
        node("colab-gpu4", &[17, 25, 41])
            .gap(9, gap, gap + HOUR)
            .constant(41, 71.5, 38.25),
    ];
    let task = |id: &str, user: &str, host: &str, card: u32, from: i64| {
        SimulatedTask::new(id, user, host)
            .gpu(card, &format!("APU-{card:016x}"))
            .start(midnight + from * HOUR)
    };
    let api = SimulatedApi::new(TOKEN)
        .task(task("t-101", "alice", "colab-gpu1", 1, -200))
        .task(task("t-102", "王小明", "colab-gpu2", 33, -150).end(midnight + 20 * HOUR))
        .task(task("t-103", "bob", "colab-gpu4", 25, -200).kind("LAB"))
        .task(task("t-104", "alice", "colab-gpu4", 17, 1).end(midnight + 6 * HOUR))
        .task(task("t-105", "carol", "colab-gpu4", 17, 8).kind("WEBAPP"))
        .task(task("t-106", "carol", "colab-gpu4", 17, -200).end(midnight - HOUR / 2));
    SimulatedCluster::start(nodes.into(), api)
}
