//! A node's agent, by its answers: its version, its clock, its cards, and how far back it knows them.

use super::{Check, Subject, clock, clock_problem, lost, namesakes_problem, renamed_problem};
use crate::analysis::stopped_series::last_readings;
use crate::model::{
    CardId, CardUsage, Metric, Node, NodeUsage, UnixSeconds, Window, comma, counted, said, text,
};
use crate::report::notice::cards_list;
use crate::sources::netdata::{Agent, Charts, NodeError, NodeErrorReason, Probe};

/// A card without a sample for so long is not collected any more. An agent restarts in less.
const SILENCE_SECONDS: i64 = 300;
const DAY_SECONDS: UnixSeconds = 24 * 3600;
/// What readings should be kept for at least: with less, a night that fails cannot be made up the next night.
const RETENTION_SECONDS: UnixSeconds = 2 * DAY_SECONDS;

pub fn node(node: &Node, probe: &Result<Probe, NodeError>, window: &Window) -> Vec<Check> {
    let probe = match probe {
        Ok(probe) => probe,
        Err(error) => {
            let name = &node.name;
            let message = said!("{error}（節點 {name}）", "{error} (node {name})");
            return vec![Check::error(Subject::Netdata, message).of(node)];
        }
    };
    let mut findings = Findings {
        node,
        window,
        facts: Vec::new(),
        problems: Vec::new(),
    };
    findings.agent(probe);
    match &probe.usage {
        Ok(usage) => {
            findings.cards(usage, probe);
            findings.retention(&probe.charts);
        }
        Err(reason) => {
            findings.failed(reason);
            if is_lost(probe) {
                findings.lost(&[]);
            }
        }
    }
    findings.into_checks()
}

/// What is found of a node: facts for one line that all is well, and a line of each problem.
struct Findings<'a> {
    node: &'a Node,
    window: &'a Window,
    facts: Vec<String>,
    problems: Vec<Check>,
}

fn is_lost(probe: &Probe) -> bool {
    let agent = probe.agent.as_ref().ok();
    let on_parent = agent.and_then(|agent| agent.on_parent.as_ref());
    on_parent.is_some_and(|on_parent| on_parent.is_lost)
}

/// A card that is not collected any more.
struct Silent {
    /// The stamp of its last reading, if none of its metrics goes on.
    last: Option<UnixSeconds>,
    words: String,
}

impl Findings<'_> {
    fn into_checks(self) -> Vec<Check> {
        let (name, url) = (&self.node.name, self.node.address());
        let facts = self.facts.join(text("，", ", "));
        let message = said!(
            "節點 {name}（{url}）：{facts}",
            "node {name} ({url}): {facts}"
        );
        let well = (!self.facts.is_empty()).then(|| Check::ok(Subject::Netdata, message));
        let checks = well.into_iter().chain(self.problems);
        checks.map(|check| check.of(self.node)).collect()
    }

    fn warn(&mut self, subject: Subject, problem: &str) {
        let message = self.message(problem);
        self.problems.push(Check::warning(subject, message));
    }

    fn fail(&mut self, subject: Subject, problem: &str) {
        let message = self.message(problem);
        self.problems.push(Check::error(subject, message));
    }

    fn message(&self, problem: &str) -> String {
        let name = &self.node.name;
        said!("節點 {name} {problem}", "node {name}: {problem}")
    }

    fn failed(&mut self, reason: &NodeErrorReason) {
        let (url, name) = (self.node.address(), &self.node.name);
        let message = said!(
            "無法從 {url} 獲取數據：{reason}（節點 {name}）",
            "cannot get data from {url}: {reason} (node {name})"
        );
        self.problems.push(Check::error(Subject::Cards, message));
    }

    fn agent(&mut self, probe: &Probe) {
        match &probe.agent {
            Ok(agent) => self.known_agent(agent),
            // The failure of the usage is named, which matters more.
            Err(_) if probe.usage.is_err() => {}
            Err(reason) => {
                let message = said!(
                    "有回應，但無法得知 Netdata 的版本與時鐘：{reason}",
                    "answers, but Netdata's version and clock are not known: {reason}"
                );
                self.warn(Subject::Netdata, &message);
            }
        }
    }

    fn known_agent(&mut self, agent: &Agent) {
        let host = agent.hostname.as_deref();
        self.facts.push(said!(
            "Netdata {version}（主機 {host}）",
            "Netdata {version} (host {host})",
            version = agent.version,
            host = host.unwrap_or(text("未知", "unknown"))
        ));
        if let Some(on_parent) = &agent.on_parent
            && let Some(namesakes) = &on_parent.namesakes
        {
            self.warn(Subject::Netdata, &namesakes_problem(namesakes));
        }
        if self.node.is_on_parent() {
            let unknown = text(
                "時鐘未知（回應的 Date 是 parent 的）",
                "clock unknown (the answer's Date is the parent's)",
            );
            return self.facts.push(unknown.to_owned());
        }
        let seconds = match clock(agent.clock_ahead) {
            Ok(fact) => return self.facts.push(fact),
            Err(seconds) => seconds,
        };
        let message = clock_problem(seconds);
        if seconds.abs() < self.window.interval.seconds() {
            self.warn(Subject::Clock, &message);
        } else {
            // Then every reading stands in the row of another.
            self.fail(Subject::Clock, &message);
        }
    }

    fn cards(&mut self, usage: &NodeUsage, probe: &Probe) {
        let is_charted = |card| {
            let charts = probe.charts.as_ref();
            charts.is_ok_and(|charts| charts.keys().any(|&(of, _)| of == card))
        };
        let (mut silent, mut missing, mut collected) = (Vec::new(), Vec::new(), 0);
        for &card in &self.node.cards {
            match usage.cards.get(&card).or(usage.coarse.get(&card)) {
                Some(card_usage) => match self.silent_since(card, card_usage, usage) {
                    None => collected += 1,
                    Some(of_card) => silent.push(of_card),
                },
                None if is_charted(card) => silent.push(Silent {
                    last: None,
                    words: said!(
                        "Card {card}（{date} 沒有讀數）",
                        "card {card} (no readings on {date})",
                        date = self.window.date
                    ),
                }),
                None => missing.push(card),
            }
        }
        if collected == self.node.cards.len() {
            self.facts.push(said!(
                "{cards}都在收集",
                "{cards} collected",
                cards = counted(collected, "張卡", "card", "cards")
            ));
        }
        let silent = if is_lost(probe) {
            self.lost(&silent);
            Vec::new()
        } else if collected == 0 {
            self.all_alike(silent)
        } else {
            silent
        };
        if !silent.is_empty() {
            let words: Vec<_> = silent.into_iter().map(|card| card.words).collect();
            let message = said!(
                "已停止收集 {cards}：若 GPU 正常，請重新啟動該節點的 Netdata",
                "no longer collects {cards}: if the GPU is fine, restart the node's Netdata",
                cards = words.join(comma())
            );
            self.fail(Subject::Cards, &message);
        }
        if !missing.is_empty() {
            let message = said!(
                "找不到設定的 {cards}：若節點沒有這些卡，請修正它的 cards；若有，請重新啟動該節點的 Netdata",
                "{cards} of the settings not found: if the node has no such card, correct its cards; \
                 if it has, restart its Netdata",
                cards = cards_list(&missing)
            );
            self.fail(Subject::Cards, &message);
        }
        self.surplus(usage);
    }

    /// Its charts ended with its stream, and would be none the better for a restart.
    fn lost(&mut self, silent: &[Silent]) {
        let last = silent.iter().filter_map(|card| card.last).max();
        let last = last.map(|last| {
            let at = self.window.clock(last);
            said!("（最後的讀數在 {at}）", " (last reading at {at})")
        });
        let message = lost().to_owned() + &last.unwrap_or_default();
        if silent.is_empty() {
            self.warn(Subject::Netdata, &message);
        } else {
            self.fail(Subject::Netdata, &message);
        }
    }

    /// Says so if the cards of a node, of which none goes on, ended together, as no charts do by themselves; and answers
    /// those that did not.
    fn all_alike(&mut self, silent: Vec<Silent>) -> Vec<Silent> {
        let Some(newest) = silent.iter().filter_map(|card| card.last).max() else {
            return silent;
        };
        let interval = self.window.interval.seconds();
        let is_alike = |card: &Silent| card.last.is_some_and(|last| newest - last <= interval);
        let (alike, others): (Vec<_>, Vec<_>) = silent.into_iter().partition(is_alike);
        if alike.len() < 2 {
            return alike.into_iter().chain(others).collect();
        }
        let since = self.window.clock(newest);
        let minutes = (self.window.seen_until - newest) / 60;
        let cause = if self.node.is_on_parent() {
            text(
                "它的時鐘與到 parent 的串流",
                "its clock or its streaming to the parent",
            )
        } else {
            text("它的時鐘與 Netdata", "its clock or its Netdata")
        };
        let message = said!(
            "的 {count} 張卡的讀數都停在 {since}，約 {minutes} 分鐘之前：各卡的圖表不會同時停止，請檢查{cause}",
            "the readings of {count} cards all end at {since}, about {minutes} min ago: \
             charts do not stop together, check {cause}",
            count = alike.len()
        );
        self.fail(Subject::Cards, &message);
        others
    }

    /// What the agent has besides what is asked for.
    fn surplus(&mut self, usage: &NodeUsage) {
        let others = &usage.other_cards;
        if !others.is_empty() {
            let cards = cards_list(&others.first) + &others.rest();
            let message = said!(
                "有設定中沒有的 {cards}，不會寫入：請加入該節點的 cards",
                "{cards} not in the settings, so not written: add to the node's cards"
            );
            self.warn(Subject::Cards, &message);
        }
        for (card, metric) in &usage.without_chart {
            let message = said!(
                "的 Card {card} 沒有 {metric} 圖表：Netdata 沒有收集，這個欄位會是空的",
                "no {metric} chart for card {card}: Netdata does not collect it, and the field stays empty"
            );
            self.warn(Subject::Cards, &message);
        }
        if let Some(problem) = &usage.coarse_problem {
            let message = said!(
                "較舊的讀數無法取得：{problem}",
                "cannot get the older readings: {problem}"
            );
            self.fail(Subject::Cards, &message);
        }
        if let Some(example) = usage.rejected_example(self.window) {
            let message = said!(
                "有 {readings}不是 0 到 100 的數字（例如 {example}）：請檢查該節點的 Netdata 與驅動程式",
                "{readings} outside 0 to 100 or not a number (e.g. {example}): \
                 check the node's Netdata and driver",
                readings = counted(usage.rejected.len(), "筆讀數", "reading", "readings")
            );
            self.fail(Subject::Cards, &message);
        }
        if let Some(example) = usage.in_part_example(self.window) {
            let message = renamed_problem(usage.in_part.len(), &example);
            self.warn(Subject::Cards, &message);
        }
        if let Some(rows) = &usage.rejected_rows {
            let message = said!(
                "有 {rows}無法使用：{problem}",
                "{rows} unusable: {problem}",
                rows = counted(rows.count, "列讀數", "row of readings", "rows of readings"),
                problem = rows.problem
            );
            self.fail(Subject::Cards, &message);
        }
    }

    /// What a card has not been collected of lately, if anything, and since when.
    fn silent_since(&self, card: CardId, usage: &CardUsage, of_node: &NodeUsage) -> Option<Silent> {
        let last = last_readings(usage, self.window);
        let is_long_ago = |stamp| self.window.until - stamp >= SILENCE_SECONDS;
        let is_silent = |metric: &Metric| {
            let has_chart = !of_node.without_chart.contains(&(card, *metric));
            has_chart && last.series(*metric).is_none_or(is_long_ago)
        };
        let silent: Vec<_> = Metric::ALL.into_iter().filter(is_silent).collect();
        let metric = *silent.first()?;
        let is_all = silent.len() == Metric::ALL.len();
        let of_metric = if is_all {
            String::new()
        } else {
            said!(" 的 {metric}", " {metric}")
        };
        let stamp = *last.series(metric);
        let words = if let Some(stamp) = stamp {
            let at = self.window.clock(stamp);
            said!("最後的讀數在 {at}", "last reading at {at}")
        } else {
            let date = self.window.date;
            said!("{date} 沒有讀數", "no readings on {date}")
        };
        Some(Silent {
            last: stamp.filter(|_| is_all),
            words: said!(
                "Card {card}{of_metric}（{words}）",
                "card {card}{of_metric} ({words})"
            ),
        })
    }

    fn retention(&mut self, charts: &Result<Charts, NodeErrorReason>) {
        let charts = match charts {
            Ok(charts) => charts,
            Err(reason) => {
                let message = said!(
                    "的資料保留多久無法得知：{reason}",
                    "how far back its data goes is not known: {reason}"
                );
                return self.warn(Subject::Retention, &message);
            }
        };
        let is_configured = |card| self.node.index_of_card(card).is_some();
        let firsts = charts.iter().filter(|((card, _), _)| is_configured(*card));
        let Some((&(card, _), &first)) = firsts.max_by_key(|(_, first)| **first) else {
            let message = text(
                "的資料保留多久無法得知：Netdata 沒有列出圖表",
                "how far back its data goes is not known: Netdata lists no charts",
            );
            return self.warn(Subject::Retention, message);
        };
        let since = self.window.clock(first);
        let kept = self.window.until - first;
        if kept < RETENTION_SECONDS {
            // Cut off, lest 1.99 days be called two.
            let tenths = kept.max(0) * 10 / DAY_SECONDS;
            let days = format!("{}.{}", tenths / 10, tenths % 10);
            let message = said!(
                "只有 {days} 天的資料（Card {card} 從 {since} 起）：不到 2 天，某晚失敗後就補不回來。\
                 若不是剛開始收集，請延長該節點 Netdata 的資料保留期",
                "only {days} days of data (card {card} from {since}): with less than 2 days, data that a failed \
                 night misses is lost; unless it has just begun to collect, raise the retention of the node's \
                 Netdata"
            );
            self.warn(Subject::Retention, &message);
        } else {
            let fact = said!("資料從 {since} 起", "data from {since}");
            self.facts.push(fact);
        }
    }
}
