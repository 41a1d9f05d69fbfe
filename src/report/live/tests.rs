use std::collections::BTreeMap;

use pretty_assertions::assert_eq;

use super::*;
use crate::model::{
    Answer, CardUsage, ExitStatus, Interval, Language, MalformedTask, Node, NodeUsage, Reading,
    Task, TaskGpu, TaskTime, UnixSeconds, Window, both,
};
use crate::settings::Config;
use crate::sources::netdata::{Recent, Stretch};

/// 2025-08-01 12:00:00 UTC.
const NOW: UnixSeconds = 1_754_049_600;

fn config() -> Config {
    let mut config = Config::default();
    config.nodes.truncate(2);
    for node in &mut config.nodes {
        node.cards = config.cards[..2].to_vec();
    }
    config
}

/// A task on cards of a node, from so many minutes ago on.
fn task(id: &str, user: &str, node: &Node, cards: &[u64], minutes: i64) -> Task {
    let gpu = |&id| TaskGpu {
        id: Some(id),
        uuid: None,
        name: None,
        memory: None,
    };
    let text = "some time".to_owned();
    let unix = NOW - minutes * 60;
    Task {
        id: id.to_owned(),
        username: user.to_owned(),
        hostname: node.name.clone(),
        gpus: cards.iter().map(gpu).collect(),
        unlisted_gpus: 0,
        kind: Some("LAB".to_owned()),
        project_uuid: None,
        image: None,
        owner: None,
        create_time: TaskTime::Absent,
        start: TaskTime::At { unix, text },
        end: TaskTime::Absent,
        total_seconds: None,
        position: 0,
        last_named: None,
    }
}

/// An answer in which each card of the node has these rows.
fn recent(node: &Node, rows: [&[f64]; 2]) -> Recent {
    let usage = |rows: &&[f64]| {
        let rows: Vec<_> = rows.iter().map(|&row| Reading::new(row)).collect();
        CardUsage {
            gpu: rows.clone(),
            vram: rows,
        }
    };
    let cards = node.cards.iter().copied();
    let usage = NodeUsage {
        cards: cards.zip(rows.iter().map(usage)).collect(),
        ..NodeUsage::default()
    };
    Recent { until: NOW, usage }
}

struct World {
    config: Config,
    tasks: Vec<Task>,
}

impl World {
    fn new(tasks: impl Fn(&Config) -> Vec<Task>) -> Self {
        let config = config();
        let tasks = tasks(&config);
        Self { config, tasks }
    }

    /// Both nodes answered, and so did the management API: of each node the first GPU is busy, and the second idle.
    fn gathered(&self) -> Gathered<'_> {
        let nodes: Vec<_> = self.config.nodes.iter().collect();
        let mut gathered = Gathered::new(&self.config, &nodes);
        for (position, node) in nodes.iter().enumerate() {
            let hour: [&[f64]; 2] = [&[50.0; 12], &[0.0; 12]];
            gathered.answered(
                position,
                Stretch::Now,
                &recent(node, [&[60.0], &[0.1]]),
                NOW,
            );
            gathered.answered(position, Stretch::Hour, &recent(node, hour), NOW);
        }
        let answer = Answer {
            tasks: self.tasks.clone(),
            ..Answer::default()
        };
        gathered.tasks_answered(&answer, &window(), NOW, &self.config);
        gathered
    }
}

fn window() -> Window {
    let date = "2025-08-01".parse().expect("a date");
    Window::new(date, chrono_tz::Tz::UTC, Interval::DEFAULT, NOW).expect("a window")
}

/// Node, GPU, who and idle for how long of each line with a GPU.
fn rows(view: &View, order: Order) -> Vec<String> {
    let lines = view.lines(order).into_iter();
    let rows = lines.filter_map(|line| match line {
        Line::Gpu(node, gpu, _) => {
            let (node, gpu_number) = (&node.name[9..], gpu.gpu.0);
            let row = format!("{node}/{gpu_number} {} {}", gpu.who(), gpu.idle_for());
            Some(row.trim_end().to_owned())
        }
        Line::Problem(..) | Line::Remark(..) => None,
    });
    rows.collect()
}

#[test]
fn the_rows_come_by_node_by_user_or_idle_first() {
    let world = World::new(|config| {
        let [one, two] = [&config.nodes[0], &config.nodes[1]];
        vec![
            task("t1", "zoe", one, &[9], 20),
            task("t2", "王小明", two, &[1], 90),
            task("t3", "alice", two, &[9], 50),
        ]
    });
    let gathered = world.gathered();
    let view = gathered.view(NOW, None);
    assert_eq!(
        rows(&view, Order::Node),
        ["1/0 未使用", "1/1 zoe 0:20", "2/0 王小明", "2/1 alice 0:50"]
    );
    assert_eq!(
        rows(&view, Order::User),
        ["2/1 alice 0:50", "1/1 zoe 0:20", "2/0 王小明", "1/0 未使用"]
    );
    assert_eq!(
        rows(&view, Order::Idle),
        ["2/1 alice 0:50", "1/1 zoe 0:20", "2/0 王小明", "1/0 未使用"]
    );
    let totals = view.totals;
    assert_eq!((totals.gpus, totals.held, totals.active), (4, 3, 2));
    assert_eq!(
        (totals.idle, totals.without_reading, totals.unknown),
        (2, 0, 0)
    );
    assert_eq!(view.exit_status(), ExitStatus::Complete);
    let of_zoe = gathered.view(NOW, Some("zoe"));
    assert_eq!(rows(&of_zoe, Order::Node), ["1/1 zoe 0:20"]);
    assert_eq!(of_zoe.totals, totals, "they are those of the cluster");
}

#[test]
fn several_holders_of_a_gpu_are_all_named() {
    let world = World::new(|config| {
        let one = &config.nodes[0];
        vec![
            task("t1", "alice", one, &[1], 90),
            task("t2", "bob", one, &[1], 20),
            task("t3", "alice", one, &[1], 10),
        ]
    });
    let view = world.gathered().view(NOW, Some("bob"));
    let gpu = &view.nodes[0].gpus[0];
    let said = (gpu.who(), gpu.task(), gpu.since(&view));
    let expected = ["alice;bob", "t1 LAB +2", "10:30"].map(str::to_owned);
    assert_eq!(said, expected.into());
}

#[test]
fn a_node_that_falls_silent_keeps_its_values_with_their_age() {
    let world = World::new(|config| vec![task("t1", "alice", &config.nodes[1], &[9], 50)]);
    let mut gathered = world.gathered();
    gathered.failed(1, "silent".to_owned());
    let view = gathered.view(NOW + 75, None);
    let node = &view.nodes[1];
    assert!(node.gpus.iter().all(|gpu| gpu.is_old));
    assert_eq!(node.gpus[0].percent, Reading::new(60.0));
    assert_eq!(view.totals.without_reading, 2);
    assert_eq!(view.totals.nodes_answered, 1);
    assert_eq!(view.exit_status(), ExitStatus::Incomplete);
    let texts = |view: &View| {
        let lines = view.lines(Order::Node).into_iter();
        lines
            .filter_map(|line| view.text_of(line))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&view),
        ["colab-gpu2：silent（灰色的數值是 1 分 15 秒前的）"]
    );
    let english = Language::English.in_it(|| texts(&view));
    assert_eq!(
        english,
        ["colab-gpu2: silent (the grey values are 1 min 15 s old)"]
    );
    let node = &world.config.nodes[1];
    gathered.answered(1, Stretch::Now, &recent(node, [&[70.0], &[0.0]]), NOW + 80);
    let view = gathered.view(NOW + 80, None);
    assert_eq!(
        (texts(&view).len(), view.nodes[1].gpus[0].is_old),
        (0, false)
    );
}

#[test]
fn tasks_of_a_minute_ago_stay_and_nobody_is_said_not_to_hold_what_is_free() {
    let world = World::new(|config| vec![task("t1", "alice", &config.nodes[0], &[1], 50)]);
    let mut gathered = world.gathered();
    gathered.tasks_failed("silent".to_owned());
    let view = gathered.view(NOW + 60, None);
    let unknown = ["1/0 alice", "1/1 任務不明", "2/0 任務不明", "2/1 任務不明"];
    assert_eq!(rows(&view, Order::Node), unknown);
    assert_eq!(view.task_lines(), ["任務是 12:00:00 的：silent"]);
    assert_eq!(view.exit_status(), ExitStatus::Incomplete);
    let mut never = Gathered::new(&world.config, &[&world.config.nodes[0]]);
    assert!(never.view(NOW, None).tasks.is_awaited());
    never.tasks_failed("silent".to_owned());
    let view = never.view(NOW, None);
    assert_eq!(view.task_lines(), ["任務不明：silent"]);
    assert_eq!(rows(&view, Order::Node), ["1/0 任務不明", "1/1 任務不明"]);
}

#[test]
fn a_task_that_may_hold_any_gpu_leaves_the_free_ones_in_doubt() {
    let doubtful = |change: &dyn Fn(&mut Task)| {
        let world = World::new(|config| {
            let one = &config.nodes[0];
            let mut strange = task("t9", "carol", one, &[9], 50);
            change(&mut strange);
            vec![task("t1", "alice", one, &[1], 90), strange]
        });
        let view = world.gathered().view(NOW, None);
        (rows(&view, Order::Node), view.nodes[0].remarks.join("\n"))
    };
    let in_doubt = |remark: &str| {
        let rows = ["1/0 alice", "1/1 任務不明", "2/0 未使用", "2/1 未使用"];
        (rows.map(str::to_owned).to_vec(), remark.to_owned())
    };
    let unlisted = doubtful(&|task| {
        task.gpus.clear();
        task.unlisted_gpus = 3;
    });
    assert_eq!(unlisted, in_doubt("任務 t9（carol）的 3 張 GPU 無法對應"));
    let timeless = doubtful(&|task| task.start = TaskTime::Absent);
    assert_eq!(timeless, in_doubt("任務 t9：缺少 start"));
    let (rows, remark) = doubtful(&|task| task.gpus[0].id = Some(77));
    let unplaced = "任務 t1（alice）的 1 張 GPU 無法對應\n任務 t9（carol）的 1 張 GPU 無法對應";
    assert_eq!(remark, unplaced, "no id of the day is a card's then");
    assert_eq!(rows[..2], ["1/0 任務不明", "1/1 任務不明"]);
    let (rows, remark) = doubtful(&|task| task.start = TaskTime::Never);
    assert_eq!((&*rows[1], &*remark), ("1/1 未使用", ""));
}

#[test]
fn a_task_that_cannot_be_read_may_hold_any_gpu_of_any_node() {
    let world = World::new(|_| Vec::new());
    let mut gathered = world.gathered();
    let malformed = MalformedTask {
        id: "t7".to_owned(),
        problem: both!("x", "x"),
    };
    let mut elsewhere = task("t8", "dave", &world.config.nodes[0], &[1], 5);
    "elsewhere".clone_into(&mut elsewhere.hostname);
    let answer = Answer {
        tasks: vec![elsewhere],
        malformed: vec![malformed],
        ..Answer::default()
    };
    gathered.tasks_answered(&answer, &window(), NOW, &world.config);
    let view = gathered.view(NOW, None);
    assert_eq!(view.totals.unknown, 4);
    let said = ["1 個任務無法解析：t7", "有任務在設定以外的主機：elsewhere"];
    assert_eq!(view.task_lines(), said);
}

#[test]
fn a_task_holds_until_its_end_and_the_day_is_wanted_for_what_is_idle_and_held() {
    let world = World::new(|config| {
        let [one, two] = [&config.nodes[0], &config.nodes[1]];
        let mut ends = task("t1", "alice", one, &[9], 300);
        let text = "soon".to_owned();
        let unix = NOW + 30;
        ends.end = TaskTime::At { unix, text };
        vec![ends, task("t2", "bob", two, &[1], 300)]
    });
    let mut gathered = world.gathered();
    assert_eq!(
        [0, 1].map(|position| gathered.wants_day(position, NOW)),
        [true, false]
    );
    let of = |gathered: &Gathered, now| rows(&gathered.view(now, None), Order::Node)[1].clone();
    assert_eq!(of(&gathered, NOW + 29), "1/1 alice ≥1:00");
    assert_eq!(of(&gathered, NOW + 30), "1/1 未使用");
    let node = &world.config.nodes[0];
    let mut day = [0.0; 288];
    day[287 - 30] = 80.0;
    let busy: &[f64] = &[50.0; 288];
    gathered.answered(0, Stretch::Day, &recent(node, [busy, &day]), NOW);
    assert_eq!(of(&gathered, NOW), "1/1 alice 2:30");
    assert!(!gathered.wants_day(0, NOW));
}

#[test]
fn what_the_agent_sends_in_place_of_a_reading_is_named() {
    let world = World::new(|_| Vec::new());
    let mut gathered = world.gathered();
    let node = &world.config.nodes[0];
    let mut refused = recent(node, [&[60.0], &[0.1]]);
    let place = (node.cards[1], crate::model::Metric::Gpu, NOW);
    refused.usage.rejected = BTreeMap::from([(place, "150".to_owned())]);
    gathered.answered(0, Stretch::Now, &refused, NOW);
    let view = gathered.view(NOW, None);
    assert_eq!(view.nodes[0].remarks, ["Card 9 的 GPU = 150，不是讀數"]);
    assert_eq!(view.exit_status(), ExitStatus::Incomplete);
}

#[test]
fn who_else_holds_a_held_gpu_is_not_known_where_a_task_cannot_be_read() {
    let world = World::new(|config| {
        let nodes = config.nodes.iter().zip(["t1", "t2"]);
        nodes
            .map(|(node, id)| task(id, "alice", node, &[1, 9], 50))
            .collect()
    });
    let mut gathered = world.gathered();
    assert_eq!(gathered.view(NOW, None).exit_status(), ExitStatus::Complete);
    let answer = Answer {
        tasks: world.tasks.clone(),
        malformed: vec![MalformedTask {
            id: "t7".to_owned(),
            problem: both!("x", "x"),
        }],
        ..Answer::default()
    };
    gathered.tasks_answered(&answer, &window(), NOW, &world.config);
    let view = gathered.view(NOW, None);
    assert_eq!(view.totals.unknown, 0);
    assert_eq!(view.exit_status(), ExitStatus::Incomplete);
}

#[test]
fn an_hour_that_was_not_answered_is_no_longer_shown() {
    let world = World::new(|_| Vec::new());
    let mut gathered = world.gathered();
    gathered.hour_failed(0);
    let view = gathered.view(NOW, None);
    let hours = view.nodes.iter().map(|node| &node.gpus[0].hour);
    let known: Vec<_> = hours.map(|hour| hour.iter().flatten().count()).collect();
    assert_eq!(known, [0, 12]);
    assert_eq!(view.nodes[0].gpus[0].percent, Reading::new(60.0));
}
