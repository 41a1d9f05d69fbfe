//! What a run is going to collect, as `--dry-run` prints it.

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::analysis::Lack;
use crate::model::{Node, Window};

#[derive(Debug, Serialize)]
pub struct PlanReport<'a> {
    version: &'static str,
    pub days: Vec<PlannedDay<'a>>,
}

#[derive(Debug, Serialize)]
pub struct PlannedDay<'a> {
    #[serde(rename = "date", serialize_with = "date")]
    pub window: Window,
    /// Whether it is asked for by date, and not found incomplete.
    #[serde(skip)]
    pub is_asked_for: bool,
    pub collect: Vec<PlannedNode<'a>>,
    pub given_up: Vec<PlannedNode<'a>>,
}

#[derive(Debug, Serialize)]
pub struct PlannedNode<'a> {
    #[serde(serialize_with = "name")]
    pub node: &'a Node,
    /// What the day lacks, so that it is collected again; nothing where it is asked for.
    pub lacks: Vec<Lack>,
}

/// A node's day that is not collected again, though it lacks something.
#[derive(Debug, Serialize)]
pub struct GivenUp {
    date: NaiveDate,
    node: String,
    lacks: Vec<Lack>,
}

impl<'a> PlannedNode<'a> {
    pub fn asked(node: &'a Node) -> Self {
        let lacks = Vec::new();
        Self { node, lacks }
    }

    fn reason(&self) -> String {
        let lacks: Vec<_> = self.lacks.iter().map(Lack::message).collect();
        lacks.join("、")
    }
}

impl<'a> PlanReport<'a> {
    pub fn new(days: Vec<PlannedDay<'a>>) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self { version, days }
    }

    pub fn lines(&self) -> String {
        let lines = self.days.iter().flat_map(PlannedDay::lines);
        lines.map(|line| line + "\n").collect()
    }
}

impl PlannedDay<'_> {
    pub fn given_up(&self) -> impl Iterator<Item = GivenUp> {
        self.given_up.iter().map(|planned| GivenUp {
            date: self.window.date,
            node: planned.node.name.clone(),
            lacks: planned.lacks.clone(),
        })
    }

    fn lines(&self) -> Vec<String> {
        let date = self.window.date;
        let to_collect = by_reason(&self.collect.iter().collect::<Vec<_>>())
            .into_iter()
            .map(|(reason, nodes)| {
                let reason = if reason.is_empty() {
                    String::new()
                } else {
                    format!("（{reason}）")
                };
                format!("{date}：收集 {nodes}{reason}")
            });
        to_collect.chain(self.given_up_lines()).collect()
    }

    pub fn given_up_lines(&self) -> impl Iterator<Item = String> + use<> {
        let date = self.window.date;
        let (other_settings, no_more): (Vec<_>, Vec<_>) = self
            .given_up
            .iter()
            .partition(|planned| planned.lacks.contains(&Lack::OtherSettings));
        let no_more = by_reason(&no_more).into_iter().map(move |(reason, nodes)| {
            format!("{date}：不再收集 {nodes}（{reason}），當日結束後查詢過，Netdata 沒有更多讀數")
        });
        let other_settings = by_reason(&other_settings).into_iter();
        let other_settings = other_settings.map(move |(reason, nodes)| {
            format!("{date}：不自動收集 {nodes}（{reason}）：需要時請指定這個日期收集")
        });
        no_more.chain(other_settings)
    }
}

/// The names of the nodes, by the reason that they share, in order of appearance.
fn by_reason(nodes: &[&PlannedNode]) -> Vec<(String, String)> {
    let mut groups: Vec<(String, String)> = Vec::new();
    for planned in nodes {
        let reason = planned.reason();
        match groups.iter_mut().find(|(of_group, _)| *of_group == reason) {
            Some((_, names)) => {
                names.push('、');
                names.push_str(&planned.node.name);
            }
            None => groups.push((reason, planned.node.name.clone())),
        }
    }
    groups
}

fn date<S: Serializer>(window: &Window, serializer: S) -> Result<S::Ok, S::Error> {
    window.date.serialize(serializer)
}

fn name<S: Serializer>(node: &Node, serializer: S) -> Result<S::Ok, S::Error> {
    node.name.serialize(serializer)
}
