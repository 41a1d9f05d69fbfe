//! The tables `[alerts]` and `[[alerts.rules]]`: from when on a user is told that their GPUs are idle, and `[users]`:
//! at which address.

use std::collections::{BTreeMap, BTreeSet};

use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};

use super::notify::parse_mailbox;
use super::value::{Invalid, invalid, shown};
use crate::model::cluster::Node;
use crate::model::thresholds::{AlertRule, Alerts, GENERAL, HOUR_SECONDS};

/// The most days that are looked at together.
const MOST_DAYS: u16 = 92;
/// More than any cluster has in that time.
const MOST_HOURS: u32 = 1_000_000;

/// The keys of `[alerts]`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AlertsSettings {
    window_days: Option<u16>,
    min_idle_hours: Option<u32>,
    min_idle_share: Option<u8>,
    min_coverage: Option<u8>,
    exempt_users: Option<BTreeSet<String>>,
    exempt_projects: Option<BTreeSet<String>>,
    exempt_nodes: Option<BTreeSet<String>>,
    #[serde(default)]
    rules: Vec<RuleSettings>,
}

/// The keys of `[[alerts.rules]]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct RuleSettings {
    name: String,
    task_types: Vec<String>,
    min_idle_hours: Option<u32>,
    min_idle_share: Option<u8>,
}

impl AlertsSettings {
    /// The table that would bring these about.
    pub fn in_force(alerts: &Alerts) -> Self {
        let general = &alerts.rules[0];
        let hours = |rule: &AlertRule| u32::try_from(rule.min_idle_hours()).ok();
        let own = |rule: &AlertRule| RuleSettings {
            name: rule.name.clone(),
            task_types: rule.task_types.clone(),
            // What it shares with the table is the table's.
            min_idle_hours: hours(rule).filter(|_| hours(rule) != hours(general)),
            min_idle_share: Some(rule.min_idle_share_percent)
                .filter(|share| *share != general.min_idle_share_percent),
        };
        Self {
            window_days: Some(alerts.window_days),
            min_idle_hours: hours(general),
            min_idle_share: Some(general.min_idle_share_percent),
            min_coverage: Some(alerts.min_coverage_percent),
            exempt_users: Some(alerts.exempt_users.clone()),
            exempt_projects: Some(alerts.exempt_projects.clone()),
            exempt_nodes: Some(alerts.exempt_nodes.clone()),
            rules: alerts.rules.iter().skip(1).map(own).collect(),
        }
    }

    /// The settings in force where the file says this, for a cluster of `nodes`.
    pub fn resolve(self, nodes: &[Node]) -> Result<Alerts, Invalid> {
        let mut alerts = Alerts::default();
        if let Some(days) = self.window_days {
            if !(1..=MOST_DAYS).contains(&days) {
                let problem = format!("{days} 不是 1 到 {MOST_DAYS} 的天數");
                return invalid("alerts.window_days", problem);
            }
            alerts.window_days = days;
        }
        if let Some(percent) = self.min_coverage {
            alerts.min_coverage_percent = check_percent("alerts.min_coverage", percent)?;
        }
        alerts.exempt_users = self.exempt_users.unwrap_or_default();
        alerts.exempt_projects = self.exempt_projects.unwrap_or_default();
        alerts.exempt_nodes = self.exempt_nodes.unwrap_or_default();
        let is_unknown = |name: &&String| nodes.iter().all(|node| node.name != **name);
        if let Some(name) = alerts.exempt_nodes.iter().find(is_unknown) {
            let problem = format!("設定中沒有節點「{}」", shown(name));
            return invalid("alerts.exempt_nodes", problem);
        }
        let general = &mut alerts.rules[0];
        let limits = (self.min_idle_hours, self.min_idle_share);
        set_limits(general, limits, |name| format!("alerts.{name}"))?;
        for rule in self.rules {
            let rule = check_rule(rule, &alerts.rules)?;
            alerts.rules.push(rule);
        }
        Ok(alerts)
    }
}

/// A rule that fits to those `before` it, of which the first is the general one.
fn check_rule(settings: RuleSettings, before: &[AlertRule]) -> Result<AlertRule, Invalid> {
    let RuleSettings {
        name, task_types, ..
    } = settings;
    if name.trim().is_empty() {
        return invalid("alerts.rules.name", "規則的名稱是空的");
    }
    if before.iter().any(|rule| rule.name == name) {
        let problem = if name == GENERAL {
            format!("「{GENERAL}」是 [alerts] 本身的規則，請用別的名稱")
        } else {
            format!("規則「{}」出現兩次", shown(&name))
        };
        return invalid("alerts.rules.name", problem);
    }
    let key = |of: &str| format!("alerts.rules（{}）的 {of}", shown(&name));
    if task_types.is_empty() {
        return invalid(
            key("task_types"),
            "沒有任何任務類型：請列出，例如 [\"WEBAPP\"]",
        );
    }
    let mut types = before.iter().flat_map(|rule| &rule.task_types);
    if let Some(twice) = types.find(|of| task_types.contains(of)) {
        let problem = format!("任務類型「{}」已屬於另一個規則", shown(twice));
        return invalid(key("task_types"), problem);
    }
    let limits = (settings.min_idle_hours, settings.min_idle_share);
    let mut rule = before[0].clone();
    set_limits(&mut rule, limits, key)?;
    Ok(AlertRule {
        name,
        task_types,
        ..rule
    })
}

fn set_limits(
    rule: &mut AlertRule,
    (hours, share): (Option<u32>, Option<u8>),
    key: impl Fn(&str) -> String,
) -> Result<(), Invalid> {
    if let Some(hours) = hours {
        if !(1..=MOST_HOURS).contains(&hours) {
            let problem = format!("{hours} 不是 1 到 {MOST_HOURS} 的小時數");
            return invalid(key("min_idle_hours"), problem);
        }
        rule.min_idle_seconds = u64::from(hours) * HOUR_SECONDS;
    }
    if let Some(percent) = share {
        rule.min_idle_share_percent = check_percent(&key("min_idle_share"), percent)?;
    }
    Ok(())
}

fn check_percent(key: &str, percent: u8) -> Result<u8, Invalid> {
    if percent > 100 {
        return invalid(key, format!("{percent} 不是 0 到 100 的百分比"));
    }
    Ok(percent)
}

/// The addresses of the table `[users]`.
pub fn check_users(users: BTreeMap<String, String>) -> Result<BTreeMap<String, Mailbox>, Invalid> {
    let address = |(user, text): (String, String)| {
        let key = format!("users（{}）", shown(&user));
        let mailbox = parse_mailbox(&key, &text)?;
        Ok((user, mailbox))
    };
    users.into_iter().map(address).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::builtin;

    fn resolved(toml: &str) -> Result<Alerts, String> {
        let settings: AlertsSettings = toml::from_str(toml).map_err(|error| error.to_string())?;
        let alerts = settings.resolve(&builtin::config().nodes);
        alerts.map_err(|Invalid { key, problem }| format!("{key}：{problem}"))
    }

    const RULES: &str = r#"
        window_days = 14
        min_idle_hours = 12
        exempt_nodes = ["colab-gpu4"]
        [[rules]]
        name = "web"
        task_types = ["WEBAPP", "SERVICE"]
        min_idle_share = 90
        [[rules]]
        name = "lab"
        task_types = ["LAB"]
        min_idle_hours = 48
    "#;

    #[test]
    fn a_rule_has_the_limits_of_the_table_but_for_its_own() {
        let alerts = resolved(RULES).expect("settings");
        let rules: Vec<_> = alerts
            .rules
            .iter()
            .map(|rule| {
                let hours = rule.min_idle_hours();
                (rule.name.as_str(), hours, rule.min_idle_share_percent)
            })
            .collect();
        assert_eq!(
            rules,
            [("default", 12, 50), ("web", 12, 90), ("lab", 48, 50)]
        );
        let types = [None, Some("BATCH"), Some("SERVICE"), Some("LAB")];
        assert_eq!(types.map(|of| alerts.rule_of(of)), [0, 0, 1, 2]);
    }

    #[test]
    fn what_is_in_force_is_read_back() {
        for settings in ["", RULES] {
            let alerts = resolved(settings).expect("settings");
            let text = toml::to_string(&AlertsSettings::in_force(&alerts)).expect("TOML");
            assert_eq!(resolved(&text), Ok(alerts), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_the_name_of_its_key() {
        let rule = |name: &str, keys: &str| {
            format!("[[rules]]\nname = \"{name}\"\ntask_types = [\"LAB\"]\n{keys}\n")
        };
        let twice = |second: &str| format!("{}{}", rule("a", ""), rule(second, ""));
        for (settings, refusal) in [
            (
                "window_days = 0",
                "alerts.window_days：0 不是 1 到 92 的天數",
            ),
            ("min_idle_hours = 0", "alerts.min_idle_hours：0 不是"),
            ("min_idle_share = 101", "alerts.min_idle_share：101 不是"),
            ("min_coverage = 101", "alerts.min_coverage：101 不是"),
            (
                "exempt_nodes = [\"colab-gpu9\"]",
                "alerts.exempt_nodes：設定中沒有節點「colab-gpu9」",
            ),
            (&rule(" ", ""), "alerts.rules.name：規則的名稱是空的"),
            (&rule("default", ""), "alerts.rules.name：「default」是"),
            (&twice("a"), "alerts.rules.name：規則「a」出現兩次"),
            (
                &twice("b"),
                "alerts.rules（b）的 task_types：任務類型「LAB」已屬於另一個規則",
            ),
            (
                "[[rules]]\nname = \"a\"\ntask_types = []",
                "alerts.rules（a）的 task_types：沒有任何任務類型",
            ),
            (
                &rule("a", "min_idle_share = 200"),
                "alerts.rules（a）的 min_idle_share：200 不是",
            ),
        ] {
            let error = resolved(settings).expect_err(settings);
            assert!(error.starts_with(refusal), "{settings}: {error}");
        }
    }

    #[test]
    fn a_user_has_a_mail_address() {
        let users = |address: &str| BTreeMap::from([("王小明".to_owned(), address.to_owned())]);
        let known = check_users(users("王小明 <ming@example.org>")).expect("an address");
        assert_eq!(known["王小明"].email.to_string(), "ming@example.org");
        let Invalid { key, problem } = check_users(users("ming")).expect_err("no address");
        assert_eq!(key, "users（王小明）");
        assert!(problem.starts_with("「ming」不是電子郵件地址"), "{problem}");
    }
}
