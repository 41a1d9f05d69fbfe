//! The picture: the totals, what is wrong, the list, and the keys.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line as Text, Span};
use ratatui::widgets::{Block, Clear, Paragraph};
use unicode_width::UnicodeWidthStr;

use super::columns::{COUNT, GAP, fit, widths, wrap};
use super::keys::Looks;
use crate::model::{said, text};
use crate::report::live::{GpuView, Holding, Line, NodeView, Order, View, cells, words};

/// How many rows the problems of the tasks take at most.
const MOST_PROBLEM_ROWS: usize = 3;
/// The columns whose figures stand below each other.
const RIGHT: [bool; COUNT] = [false, true, true, false, true, false, false, false, true];
const OLD: Style = Style::new().fg(Color::DarkGray);
const BAD: Style = Style::new().fg(Color::Red);
const DOUBTFUL: Style = Style::new().fg(Color::Yellow);

pub fn draw(frame: &mut Frame, view: &View, looks: &mut Looks) {
    let area = frame.area();
    let width = usize::from(area.width);
    let style = match view.tasks.problem {
        Some(_) => BAD,
        None => DOUBTFUL,
    };
    let problems = view.task_lines().into_iter();
    let problems = problems.flat_map(|problem| wrap(&problem, width));
    let problems = problems.take(MOST_PROBLEM_ROWS);
    let problems: Vec<_> = problems.map(|row| Text::styled(row, style)).collect();
    let rows = |rows: usize| Constraint::Length(u16::try_from(rows).unwrap_or(u16::MAX));
    let [head, above, names, list, foot] = Layout::vertical([
        rows(1),
        rows(problems.len()),
        rows(1),
        Constraint::Fill(1),
        rows(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(self::head(view, looks)).reversed(), head);
    frame.render_widget(Paragraph::new(problems), above);

    let lines = view.lines(looks.order);
    let widths = widths(wanted(view, &lines), width);
    let header = row(&words::header(), &widths, &[Style::new(); COUNT]);
    frame.render_widget(Paragraph::new(header).underlined(), names);
    let mut texts: Vec<_> = lines
        .iter()
        .flat_map(|line| texts(view, *line, &widths, width))
        .collect();
    if texts.is_empty() {
        texts.push(Text::raw(view.nothing()).dim());
    }
    looks.page = usize::from(list.height).max(1);
    looks.offset = looks.offset.min(texts.len().saturating_sub(looks.page));
    let foot_text = self::foot(looks, texts.len(), width);
    frame.render_widget(Paragraph::new(foot_text).dim(), foot);
    let shown = texts.into_iter().skip(looks.offset).take(looks.page);
    frame.render_widget(Paragraph::new(shown.collect::<Vec<_>>()), list);
    if looks.shows_help {
        help(frame, area);
    }
}

fn head(view: &View, looks: &Looks) -> String {
    let paused = text("已暫停", "paused");
    let paused = if looks.is_paused {
        format!("  [{paused}]")
    } else {
        String::new()
    };
    // Who looks at it knows the date.
    view.head(&view.clock(view.now)[11..]) + &paused
}

/// How wide the contents of the columns are.
fn wanted(view: &View, lines: &[Line]) -> [usize; COUNT] {
    let mut wanted = words::header().map(UnicodeWidthStr::width);
    for line in lines {
        if let Line::Gpu(node, gpu, _) = line {
            let texts = texts_of(view, node, gpu);
            for (wanted, text) in wanted.iter_mut().zip(&texts) {
                *wanted = text.width().max(*wanted);
            }
        }
    }
    wanted
}

fn texts_of(view: &View, node: &NodeView, gpu: &GpuView) -> [String; COUNT] {
    let who = match gpu.holding {
        Holding::Unknown if view.tasks.is_awaited() => "…".to_owned(),
        _ => gpu.who(),
    };
    [
        node.name.clone(),
        gpu.gpu.0.to_string(),
        cells::percent(gpu.percent),
        cells::blocks(&gpu.hour),
        cells::percent(gpu.vram),
        who,
        gpu.task(),
        gpu.since(view),
        gpu.idle_for(),
    ]
}

/// A line of the list in one row, or in as many as a reason takes.
fn texts(view: &View, line: Line, widths: &[usize; COUNT], width: usize) -> Vec<Text<'static>> {
    let Line::Gpu(node, gpu, is_first) = line else {
        let style = match line {
            Line::Problem(..) => BAD,
            _ => DOUBTFUL,
        };
        let reason = view.text_of(line).unwrap_or_default();
        let rows = wrap(&reason, width).into_iter();
        return rows.map(|row| Text::styled(row, style)).collect();
    };
    let mut texts = texts_of(view, node, gpu);
    if !is_first {
        texts[0].clear();
    }
    vec![row(&texts, widths, &styles(view, node, gpu))]
}

fn styles(view: &View, node: &NodeView, gpu: &GpuView) -> [Style; COUNT] {
    let plain = Style::new();
    let bold = plain.add_modifier(Modifier::BOLD);
    let reading = match gpu.percent {
        _ if gpu.is_old => OLD,
        None if node.answered_at.is_none() && node.problem.is_none() => OLD,
        None => BAD,
        Some(reading) if reading <= view.idle_limit => OLD,
        Some(reading) if reading.percent() > 80.0 => plain.fg(Color::Magenta),
        Some(_) => plain.fg(Color::Cyan),
    };
    let vram = if gpu.is_old { OLD } else { plain };
    let who = match gpu.holding {
        Holding::Held(_) if view.tasks.problem.is_some() => OLD,
        Holding::Held(_) => plain,
        Holding::Unused => OLD,
        Holding::Unknown if view.tasks.is_awaited() => OLD,
        Holding::Unknown => BAD,
    };
    let of_task = if who == plain {
        plain.add_modifier(Modifier::DIM)
    } else {
        who
    };
    [
        bold, plain, reading, reading, vram, who, of_task, of_task, DOUBTFUL,
    ]
}

fn row(
    texts: &[impl AsRef<str>; COUNT],
    widths: &[usize; COUNT],
    styles: &[Style; COUNT],
) -> Text<'static> {
    let mut spans = Vec::new();
    for column in (0..COUNT).filter(|&column| widths[column] > 0) {
        if !spans.is_empty() {
            spans.push(Span::raw(" ".repeat(GAP)));
        }
        let fitted = fit(texts[column].as_ref(), widths[column], RIGHT[column]);
        spans.push(Span::styled(fitted, styles[column]));
    }
    Text::from(spans)
}

/// The keys, and at the right which rows are to be seen if not all are.
fn foot(looks: &Looks, rows: usize, width: usize) -> String {
    let mark = |order| if looks.order == order { "*" } else { "" };
    let (node, user, idle) = (mark(Order::Node), mark(Order::User), mark(Order::Idle));
    let keys = said!(
        "q 離開  n 依節點{node}  u 依使用者{user}  i 閒置優先{idle}  空白鍵 暫停  ? 說明",
        "q quit  n by node{node}  u by user{user}  i idle first{idle}  space pause  ? help"
    );
    if rows <= looks.page {
        return keys;
    }
    let (first, last) = (looks.offset + 1, (looks.offset + looks.page).min(rows));
    let place = format!("{first}-{last}/{rows}");
    let keys_width = width.saturating_sub(place.width() + 1);
    fit(&keys, keys_width, false) + " " + &place
}

fn help(frame: &mut Frame, area: Rect) {
    let lines = [
        text("q、Esc        離開", "q, Esc        quit"),
        text("n             依節點排列", "n             by node"),
        text("u             依使用者排列", "u             by user"),
        text(
            "i             閒置最久的在前",
            "i             idle for longest first",
        ),
        text(
            "空白鍵        暫停查詢，再按一次繼續",
            "space         stop asking, or go on",
        ),
        text(
            "↑ ↓ PgUp PgDn 捲動；Home、End",
            "↑ ↓ PgUp PgDn scroll; Home, End",
        ),
        "",
        text(
            "過去一小時：每格 5 分鐘，· 是沒有讀數",
            "last hour: 5 minutes a block, · is no reading",
        ),
        text(
            "閒置：佔用中，使用率在門檻以下有多久",
            "idle: held, and up to the limit for so long",
        ),
        text(
            "≥：至少這麼久，再早的沒有查詢",
            "≥: at least; earlier times are not asked for",
        ),
        text(
            "—：最近十秒沒有讀數",
            "—: no reading in the last ten seconds",
        ),
        text(
            "灰色：節點沒有回應，是先前的數值",
            "grey: the node is silent, earlier values",
        ),
        text(
            "任務不明：不知道有沒有人佔用",
            "task unknown: somebody may hold it",
        ),
    ];
    let widest = lines.iter().map(|line| line.width()).max().unwrap_or(0);
    let size = |cells: usize| u16::try_from(cells + 2).unwrap_or(u16::MAX);
    let (width, height) = (
        size(widest + 2).min(area.width),
        size(lines.len()).min(area.height),
    );
    let at = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    };
    let lines = lines.map(|line| Text::raw(format!(" {line}")));
    frame.render_widget(Clear, at);
    let title = text(" 說明 ", " help ");
    let block = Block::bordered().title(title);
    frame.render_widget(Paragraph::new(lines.to_vec()).block(block), at);
}

#[cfg(test)]
mod tests;
