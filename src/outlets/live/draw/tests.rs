use pretty_assertions::assert_eq;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::*;
use crate::model::{CardId, GpuIndex, Language, Reading, UnixSeconds};
use crate::report::live::IdleFor;
use crate::report::live::holders::Holder;
use crate::report::live::view::{TasksView, Totals};

/// 2025-08-01 12:00:00 UTC.
const NOW: UnixSeconds = 1_754_049_600;

fn reading(percent: f64) -> Option<Reading> {
    Reading::new(percent)
}

/// A GPU that nobody holds.
fn gpu(index: usize, percent: f64) -> GpuView {
    GpuView {
        gpu: GpuIndex(index),
        card: CardId(1),
        percent: reading(percent),
        vram: reading(percent / 2.0),
        is_old: false,
        hour: vec![reading(percent); 12],
        holding: Holding::Unused,
        idle: None,
    }
}

impl GpuView {
    fn held(mut self, user: &str, task: &str, hours_ago: i64) -> Self {
        self.holding = Holding::Held(vec![Holder {
            user: user.to_owned(),
            task: task.to_owned(),
            kind: Some("LAB".to_owned()),
            since: NOW - hours_ago * 3600,
            until: None,
        }]);
        self
    }

    fn idle_for_minutes(mut self, minutes: i64) -> Self {
        self.idle = Some(IdleFor {
            seconds: minutes * 60,
            is_at_least: minutes > 600,
        });
        self
    }
}

fn node(number: usize, gpus: Vec<GpuView>) -> NodeView {
    NodeView {
        name: format!("colab-gpu{number}"),
        url: format!("http://127.0.0.{number}:19999"),
        answered_at: Some(NOW),
        problem: None,
        remarks: Vec::new(),
        gpus,
    }
}

/// A node that does not answer any more, and one that does.
fn view() -> View {
    let gpus = vec![
        gpu(0, 87.25).held("alice", "t-101", 2),
        gpu(1, 0.0)
            .held("王小明", "t-102", 40)
            .idle_for_minutes(1440),
        gpu(2, 0.0),
    ];
    let mut silent = vec![
        gpu(0, 50.0).held("bob", "a-task-with-a-long-id", 1),
        gpu(1, 3.0),
    ];
    for gpu in &mut silent {
        gpu.is_old = true;
    }
    let mut silent = node(2, silent);
    silent.answered_at = Some(NOW - 75);
    silent.problem =
        Some("無法從 http://127.0.0.2:19999 獲取數據：逾時：5.0 秒內沒有完整的回應".to_owned());
    let nodes = vec![node(1, gpus), silent];
    let totals = Totals {
        nodes_answered: 1,
        gpus: 5,
        held: 3,
        active: 1,
        idle: 1,
        without_reading: 2,
        unknown: 0,
    };
    View {
        now: NOW,
        zone: chrono_tz::Tz::UTC,
        idle_limit: Reading::new(5.0).expect("a percentage"),
        user: None,
        totals,
        tasks: TasksView {
            answered_at: Some(NOW),
            problem: None,
            remarks: Vec::new(),
            has_malformed: false,
        },
        nodes,
    }
}

fn buffer(view: &View, looks: &mut Looks, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal
        .draw(|frame| draw(frame, view, looks))
        .expect("a picture");
    terminal.backend().buffer().clone()
}

/// The rows of a buffer, in which a wide character takes two cells.
fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        let (mut row, mut x) = (String::new(), 0);
        while x < area.width {
            let symbol = buffer[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(symbol.width()).expect("a cell").max(1);
        }
        row.trim_end().to_owned()
    };
    (0..area.height).map(row).collect()
}

fn picture(view: &View, looks: &mut Looks, size: (u16, u16)) -> Vec<String> {
    rows(&buffer(view, looks, size))
}

fn whole(view: &View, size: (u16, u16)) -> Vec<String> {
    picture(view, &mut Looks::default(), size)
}

#[test]
fn the_whole_screen_in_chinese() {
    assert_eq!(
        whole(&view(), (80, 12)),
        [
            "12:00:00  節點 1/2  GPU 5  佔用 3  使用中 1  閒置 1  無讀數 2",
            "節點       GPU 使用率 過去一小時    VRAM 使用者 任務          開始          閒置",
            "colab-gpu1   0  87.2% ▇▇▇▇▇▇▇▇▇▇▇▇ 43.6% alice  t-101 LAB     10:00",
            "             1   0.0% ▁▁▁▁▁▁▁▁▁▁▁▁  0.0% 王小明 t-102 LAB     07-30 20:00 ≥24:00",
            "             2   0.0% ▁▁▁▁▁▁▁▁▁▁▁▁  0.0% 未使用",
            "colab-gpu2：無法從 http://127.0.0.2:19999 獲取數據：逾時：5.0",
            "秒內沒有完整的回應（灰色的數值是 1 分 15 秒前的）",
            "colab-gpu2   0  50.0% ▅▅▅▅▅▅▅▅▅▅▅▅ 25.0% bob    a-task-with-… 11:00",
            "             1   3.0% ▁▁▁▁▁▁▁▁▁▁▁▁  1.5% 未使用",
            "",
            "",
            "q 離開  n 依節點*  u 依使用者  i 閒置優先  空白鍵 暫停  ? 說明",
        ]
    );
}

#[test]
fn the_whole_screen_in_english_by_idle_time_and_paused() {
    let mut looks = Looks {
        order: Order::Idle,
        is_paused: true,
        ..Looks::default()
    };
    let mut view = view();
    view.nodes[1].problem = Some("silent".to_owned());
    let picture = Language::English.in_it(|| picture(&view, &mut looks, (100, 11)));
    assert_eq!(
        picture,
        [
            "12:00:00  nodes 1/2  GPUs 5  held 3  active 1  idle 1  no reading 2  [paused]",
            "node       GPU GPU % last hour     VRAM user   task                      since         idle",
            "colab-gpu2: silent (the grey values are 1 min 15 s old)",
            "colab-gpu1   1  0.0% ▁▁▁▁▁▁▁▁▁▁▁▁  0.0% 王小明 t-102 LAB                 07-30 20:00 ≥24:00",
            "colab-gpu1   0 87.2% ▇▇▇▇▇▇▇▇▇▇▇▇ 43.6% alice  t-101 LAB                 10:00",
            "colab-gpu2   0 50.0% ▅▅▅▅▅▅▅▅▅▅▅▅ 25.0% bob    a-task-with-a-long-id LAB 11:00",
            "colab-gpu1   2  0.0% ▁▁▁▁▁▁▁▁▁▁▁▁  0.0% unused",
            "colab-gpu2   1  3.0% ▁▁▁▁▁▁▁▁▁▁▁▁  1.5% unused",
            "",
            "",
            "q quit  n by node  u by user  i idle first*  space pause  ? help",
        ]
    );
}

#[test]
fn a_narrow_screen_leaves_out_what_is_least_worth_and_cuts_no_reason() {
    let mut view = view();
    view.nodes[1].problem = Some("沒有回應".to_owned());
    view.nodes[1].answered_at = None;
    assert_eq!(
        whole(&view, (36, 9)),
        [
            "12:00:00  節點 1/2  GPU 5  佔用 3",
            "節點       GPU 使用率 使用者   閒置",
            "colab-gpu1   0  87.2% alice",
            "             1   0.0% 王小明 ≥24:00",
            "             2   0.0% 未使用",
            "colab-gpu2：沒有回應",
            "colab-gpu2   0  50.0% bob",
            "             1   3.0% 未使用",
            "q 離開  n 依節點*  u 依使用者  i 閒",
        ]
    );
    for size in [(1, 1), (3, 2), (7, 40), (200, 3)] {
        let mut looks = Looks {
            shows_help: true,
            ..Looks::default()
        };
        picture(&view, &mut looks, size);
    }
}

#[test]
fn unknown_tasks_are_never_an_unused_gpu() {
    let mut view = view();
    view.tasks.problem =
        Some("沒有管理 API 的 Token：請將它寫入 /etc/daily-gpu-log/token（chmod 600）".to_owned());
    view.tasks.answered_at = None;
    for gpu in view.nodes.iter_mut().flat_map(|node| &mut node.gpus) {
        gpu.holding = Holding::Unknown;
    }
    view.nodes.truncate(1);
    let buffer = buffer(&view, &mut Looks::default(), (60, 8));
    assert_eq!(
        rows(&buffer),
        [
            "12:00:00  節點 1/1  GPU 5  佔用 3  使用中 1  閒置 1  無讀數",
            "任務不明：沒有管理 API 的 Token：請將它寫入",
            "/etc/daily-gpu-log/token（chmod 600）",
            "節點       GPU 使用率 過去一小時    VRAM 使用者     閒置",
            "colab-gpu1   0  87.2% ▇▇▇▇▇▇▇▇▇▇▇▇ 43.6% 任務不明",
            "             1   0.0% ▁▁▁▁▁▁▁▁▁▁▁▁  0.0% 任務不明 ≥24:00",
            "             2   0.0% ▁▁▁▁▁▁▁▁▁▁▁▁  0.0% 任務不明",
            "q 離開  n 依節點*  u 依使用者  i 閒置優先  空白鍵 暫停  ? 說",
        ]
    );
    assert_eq!(buffer[(0, 1)].fg, Color::Red);
    view.tasks.problem = None;
    let waiting = whole(&view, (60, 8));
    assert!(waiting[2].ends_with("43.6% …"), "{waiting:#?}");
}

#[test]
fn what_is_old_is_grey_and_a_silent_node_is_red() {
    let buffer = buffer(&view(), &mut Looks::default(), (80, 12));
    // Of the first node the figures have the colours of their heights.
    assert_eq!(buffer[(16, 2)].fg, Color::Magenta);
    assert_eq!(buffer[(17, 3)].fg, Color::DarkGray);
    assert_eq!(buffer[(75, 3)].fg, Color::Yellow);
    for y in [5, 6] {
        assert_eq!(buffer[(0, y)].fg, Color::Red, "{y}");
    }
    for x in [17, 22, 36] {
        assert_eq!(buffer[(x, 7)].fg, Color::DarkGray, "{x}");
    }
}

#[test]
fn four_nodes_of_eight_are_on_one_screen_and_more_are_scrolled_to() {
    let nodes = |count: usize| {
        let gpus = || {
            (0..8)
                .map(|index| gpu(index, 10.0).held("alice", "t-101", 2))
                .collect()
        };
        let mut view = view();
        view.nodes = (1..=count).map(|number| node(number, gpus())).collect();
        view
    };
    let names = |picture: &[String]| -> Vec<String> {
        let named = picture.iter().filter(|row| row.starts_with("colab-gpu"));
        named.map(|row| row[..10].to_owned()).collect()
    };
    let four = whole(&nodes(4), (80, 40));
    let all = ["colab-gpu1", "colab-gpu2", "colab-gpu3", "colab-gpu4"];
    assert_eq!(names(&four), all);
    assert!(four[33].starts_with("             7  10.0%"), "{four:#?}");
    assert!(four[39].ends_with("? 說明"), "{four:#?}");
    let (nine, mut looks) = (nodes(9), Looks::default());
    assert!(picture(&nine, &mut looks, (80, 40))[39].ends_with(" 1-37/72"));
    looks.offset += 3;
    let scrolled = picture(&nine, &mut looks, (80, 40));
    assert_eq!(names(&scrolled)[0], "colab-gpu2");
    looks.offset = usize::MAX / 2;
    let end = picture(&nine, &mut looks, (80, 40));
    assert!(end[39].ends_with(" 36-72/72"), "{end:#?}");
    assert_eq!(looks.offset, 35);
}

#[test]
fn the_help_stands_over_the_list_in_both_languages() {
    for language in [Language::Chinese, Language::English] {
        language.in_it(|| {
            let mut looks = Looks {
                shows_help: true,
                ..Looks::default()
            };
            let picture = picture(&view(), &mut looks, (80, 20)).join("\n");
            let parts = match language {
                Language::Chinese => [
                    "說明",
                    "空白鍵        暫停查詢",
                    "任務不明：不知道有沒有人佔用",
                ],
                Language::English => [
                    " help ",
                    "space         stop asking",
                    "task unknown: somebody may hold it",
                ],
            };
            for part in parts {
                assert!(picture.contains(part), "{part}: {picture}");
            }
        });
    }
}
