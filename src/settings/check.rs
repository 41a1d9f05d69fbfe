//! What no value shows by itself: what the settings take from one another, and what fits to what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use super::Config;
use super::notify::{Notify, PASSWORD_FILE, Security, Smtp};
use crate::model::{
    CardId, Engine, GENERAL, GpuIndex, GpuUuid, Node, Thresholds, WrittenRule, composed, counted,
    mark, redacted, said, text,
};

/// Makes an error of the problem with `key` unless all is well with it.
fn require(is_well: bool, key: impl Display, problem: impl Display) -> Result<(), String> {
    if is_well {
        Ok(())
    } else {
        invalid(key, problem)
    }
}

fn invalid<T>(key: impl Display, problem: impl Display) -> Result<T, String> {
    Err(format!("{key}{}{problem}", mark()))
}

/// A key of one table of a list, as messages have it.
pub fn of_item(list: &str, name: &str, key: &str) -> String {
    said!("{list}（{name}）的 {key}", "{key} of {list} ({name})")
}

/// Adds what some settings take from others, and checks them all. An error begins with its key.
pub fn complete(mut config: Config) -> Result<Config, String> {
    compose(&mut config)?;
    complete_nodes(&mut config.nodes, &config.cards)?;
    let nodes: BTreeSet<&str> = config.nodes.iter().map(|node| &*node.name).collect();
    let mut ignored = config.ignore_hosts.iter();
    if let Some(host) = ignored.find(|host| nodes.contains(host.as_str())) {
        let problem = said!(
            "「{host}」是設定中的節點：請從其中一處刪去",
            "'{host}' is a node of the settings: remove it from one of the two"
        );
        return invalid("ignore_hosts", problem);
    }
    let Thresholds { idle, busy, .. } = config.thresholds;
    let problem = said!(
        "{idle} 大於 busy_percent = {busy}：同一個讀數不能既閒置又忙碌",
        "{idle} is more than busy_percent = {busy}: no reading can be both idle and busy"
    );
    require(idle <= busy, "ledger.idle_percent", problem)?;
    let has_database = config.database.url.is_some();
    let needs_one = config.export.nightly.contains(&Engine::Postgres);
    let problem = text(
        "有 \"postgres\"，卻沒有 [database] 的 url",
        "it has \"postgres\", and [database] has no url",
    );
    require(has_database || !needs_one, "export.nightly", problem)?;
    complete_notify(&mut config.notify)?;
    let exempt = &config.alerts.exempt_nodes;
    if let Some(name) = exempt.iter().find(|name| !nodes.contains(name.as_str())) {
        let name = redacted(name);
        let problem = said!(
            "設定中沒有節點「{name}」",
            "the settings have no node '{name}'"
        );
        return invalid("alerts.exempt_nodes", problem);
    }
    let rules = &config.alerts.rules;
    for (position, rule) in rules.iter().enumerate() {
        check_rule(rule, &rules[..position])?;
    }
    Ok(config)
}

/// Puts all names into the form in which they are compared with those of the management API.
fn compose(config: &mut Config) -> Result<(), String> {
    for node in &mut config.nodes {
        node.name = composed(&node.name);
    }
    let alerts = &mut config.alerts;
    for names in [
        &mut config.ignore_hosts,
        &mut alerts.exempt_users,
        &mut alerts.exempt_projects,
        &mut alerts.exempt_nodes,
    ] {
        *names = names.iter().map(|name| composed(name)).collect();
    }
    let mut users = BTreeMap::new();
    for (user, address) in std::mem::take(&mut config.users) {
        let user = composed(&user);
        let name = redacted(&user);
        let problem = said!(
            "使用者「{name}」出現兩次",
            "the user '{name}' is listed twice"
        );
        require(users.insert(user, address).is_none(), "users", problem)?;
    }
    config.users = users;
    Ok(())
}

fn complete_nodes(nodes: &mut [Node], cards: &[CardId]) -> Result<(), String> {
    let problem = text(
        "沒有任何節點：請加入至少一個 [[nodes]]，或刪除這個鍵以使用內建的叢集",
        "no nodes: add at least one [[nodes]], or remove this key to use the built-in cluster",
    );
    require(!nodes.is_empty(), "nodes", problem)?;
    let mut names = BTreeSet::new();
    for node in &mut *nodes {
        check_node_name(&node.name)?;
        let name = &node.name;
        let problem = said!(
            "節點「{name}」出現兩次：名稱就是目錄名稱，不可重複",
            "the node '{name}' is listed twice: its name is that of its directory, and must be unique"
        );
        require(names.insert(&node.name), "nodes.name", problem)?;
        if node.cards.is_empty() {
            node.cards = cards.to_vec();
        }
        let cards = node.cards.len();
        let beyond = |(_, index): &(_, &GpuIndex)| index.0 >= cards;
        if let Some((uuid, index)) = node.gpu_uuids.iter().find(beyond) {
            let (index, last) = (index.0, cards - 1);
            let cards = counted(cards, "張卡", "card", "cards");
            let problem = said!(
                "{uuid} = {index}，但此節點只有 {cards}（索引 0 到 {last}）",
                "{uuid} = {index}, but the node has only {cards} (index 0 to {last})"
            );
            return invalid(of_item("nodes", &node.name, "gpu_uuids"), problem);
        }
    }
    let owners = Arc::new(uuid_owners(nodes)?);
    for node in nodes {
        node.uuid_owners = Arc::clone(&owners);
    }
    Ok(())
}

/// The name becomes a directory below the data directory, beside `.daily-gpu-log` and `reports`, and must not lead
/// elsewhere.
fn check_node_name(name: &str) -> Result<(), String> {
    let is_barred = |c: char| c == '/' || c == '\\' || c.is_control();
    let problems = [
        (name.is_empty(), text("是空的", "is empty")),
        (
            name.starts_with('.'),
            text("不可以「.」開頭", "must not begin with '.'"),
        ),
        (
            name.contains(is_barred),
            text(
                "不可含有斜線或控制字元",
                "must not contain a slash or a control character",
            ),
        ),
        (
            name == "reports",
            text(
                "不可以是 reports，那是報告的目錄",
                "must not be reports, which is the directory of reports",
            ),
        ),
        (
            name.len() > 255,
            text("太長（上限 255 位元組）", "is too long (at most 255 bytes)"),
        ),
    ];
    let name = name.escape_debug();
    for (has_it, problem) in problems {
        let problem = said!(
            "節點名稱{problem}：「{name}」。它是資料目錄下的目錄名稱",
            "the node name {problem}: '{name}'. It is the name of a directory in the data directory"
        );
        require(!has_it, "nodes.name", problem)?;
    }
    Ok(())
}

/// The node that each GPU is on. It cannot be on two: a task on it would be counted on either.
fn uuid_owners(nodes: &[Node]) -> Result<BTreeMap<GpuUuid, String>, String> {
    let mut owners: BTreeMap<GpuUuid, String> = BTreeMap::new();
    for node in nodes {
        for uuid in node.gpu_uuids.keys() {
            if let Some(other) = owners.insert(uuid.clone(), node.name.clone()) {
                let name = &node.name;
                let problem = said!(
                    "GPU UUID {uuid} 同時出現在節點「{other}」與「{name}」：\
                     請在這兩個節點上執行 daily-gpu-log inventory 核對",
                    "GPU UUID {uuid} is listed for both '{other}' and '{name}': \
                     run daily-gpu-log inventory on these two nodes to find out"
                );
                return invalid("nodes.gpu_uuids", problem);
            }
        }
    }
    Ok(owners)
}

fn complete_notify(notify: &mut Notify) -> Result<(), String> {
    for setting in [notify.healthcheck(), notify.webhook()] {
        let (key, is_one) = (setting.key, setting.url.is_none() || setting.file.is_none());
        let problem = said!(
            "{key} 與 {key}_file 只能設定其中一個",
            "set {key} or {key}_file, not both"
        );
        require(is_one, key, problem)?;
    }
    notify.smtp.as_mut().map_or(Ok(()), complete_smtp)
}

fn complete_smtp(smtp: &mut Smtp) -> Result<(), String> {
    let logs_in = smtp.username.is_some();
    let is_safe = !logs_in || smtp.security != Security::None;
    let problem = text(
        "security = \"none\" 時密碼會以明文傳送，不可設定 username",
        "with security = \"none\" the password would be sent in plain text: username must not be set",
    );
    require(is_safe, "notify.smtp.username", problem)?;
    let is_used = logs_in || smtp.password_file.is_none();
    let problem = text(
        "沒有 username 就用不到密碼",
        "without username, no password is needed",
    );
    require(is_used, PASSWORD_FILE, problem)?;
    let problem = text("沒有任何收件者", "no recipients");
    require(!smtp.to.is_empty(), "notify.smtp.to", problem)?;
    smtp.port = Some(smtp.port());
    Ok(())
}

fn check_rule(rule: &WrittenRule, before: &[WrittenRule]) -> Result<(), String> {
    let (key, name) = ("alerts.rules.name", &rule.name);
    let problem = text("規則的名稱是空的", "the name of the rule is empty");
    require(!name.trim().is_empty(), key, problem)?;
    let problem = said!(
        "「{GENERAL}」是 [alerts] 本身的規則，請用別的名稱",
        "'{GENERAL}' is the rule of [alerts] itself: use another name"
    );
    require(name != GENERAL, key, problem)?;
    let is_new = before.iter().all(|other| other.name != *name);
    let shown = redacted(name);
    let problem = said!(
        "規則「{shown}」出現兩次",
        "the rule '{shown}' is listed twice"
    );
    require(is_new, key, problem)?;
    let key = of_item("alerts.rules", name, "task_types");
    let problem = text(
        "沒有任何任務類型：請列出，例如 [\"WEBAPP\"]",
        "no task types: list them, such as [\"WEBAPP\"]",
    );
    require(!rule.task_types.is_empty(), &key, problem)?;
    let mut types = before.iter().flat_map(|other| &other.task_types);
    if let Some(twice) = types.find(|kind| rule.task_types.contains(kind)) {
        let kind = redacted(twice);
        let problem = said!(
            "任務類型「{kind}」已屬於另一個規則",
            "the task type '{kind}' belongs to another rule already"
        );
        return invalid(key, problem);
    }
    Ok(())
}
