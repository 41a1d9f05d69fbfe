//! What a run is going to collect, as `--dry-run` prints it.

use chrono::NaiveDate;
use serde::{Serialize, Serializer};

use crate::analysis::Lack;
use crate::model::{Node, Window, comma, said};

#[derive(Debug, Serialize)]
pub struct PlanReport<'a> {
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

#[derive(Clone, Debug, Serialize)]
pub struct PlannedNode<'a> {
    #[serde(serialize_with = "name")]
    pub node: &'a Node,
    /// What the day lacks, so that it is collected again; nothing where it is asked for.
    pub lacks: Vec<Lack>,
}

/// A node's day that is not collected again, though it lacks something.
#[derive(Debug, Serialize)]
pub struct GivenUp<'a> {
    date: NaiveDate,
    #[serde(flatten)]
    planned: PlannedNode<'a>,
}

impl PlanReport<'_> {
    pub fn lines(&self) -> String {
        let lines = self.days.iter().flat_map(PlannedDay::lines);
        lines.map(|line| line + "\n").collect()
    }
}

impl<'a> PlannedDay<'a> {
    pub fn given_up(&self) -> impl Iterator<Item = GivenUp<'a>> {
        let (date, given_up) = (self.window.date, self.given_up.iter().cloned());
        given_up.map(move |planned| GivenUp { date, planned })
    }

    fn lines(&self) -> Vec<String> {
        let date = self.window.date;
        let to_collect = by_reason(&self.collect).into_iter();
        let to_collect =
            to_collect.map(|nodes| said!("{date}：收集 {nodes}", "{date}: collect {nodes}"));
        to_collect.chain(self.given_up_lines()).collect()
    }

    pub fn given_up_lines(&self) -> impl Iterator<Item = String> + use<> {
        let date = self.window.date;
        let has = |is: fn(&Lack) -> bool| move |of: &&PlannedNode| of.lacks.iter().any(is);
        let is_known = has(|lack| matches!(lack, Lack::OtherSettings(Some(_))));
        let is_left = has(|lack| matches!(lack, Lack::OtherSettings(None)));
        let (known_settings, others): (Vec<_>, Vec<_>) = self.given_up.iter().partition(is_known);
        let (other_settings, no_more): (Vec<_>, Vec<_>) = others.into_iter().partition(is_left);
        let no_more = by_reason(no_more).into_iter().map(move |nodes| {
            said!(
                "{date}：不再收集 {nodes}，當日結束後查詢過，Netdata 沒有更多讀數",
                "{date}: no longer collecting {nodes}: Netdata was asked after the day ended, and has no more readings"
            )
        });
        let other_settings = by_reason(other_settings).into_iter().map(move |nodes| {
            said!(
                "{date}：不自動收集 {nodes}：需要時請指定這個日期收集",
                "{date}: not collecting {nodes} automatically: to collect anyway, give this date"
            )
        });
        let known_settings = by_reason(known_settings).into_iter().map(move |nodes| {
            said!(
                "{date}：不收集 {nodes}：請修改設定，原有檔案保持不變",
                "{date}: not collecting {nodes}: change the settings; existing files are unchanged"
            )
        });
        no_more.chain(other_settings).chain(known_settings)
    }
}

/// The names of the nodes that share a reason, with it, in order of appearance.
fn by_reason<'a>(nodes: impl IntoIterator<Item = &'a PlannedNode<'a>>) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for PlannedNode { node, lacks } in nodes {
        let lacks: Vec<_> = lacks.iter().map(Lack::message).collect();
        let reason = lacks.join(comma());
        match groups.iter_mut().find(|(of_group, _)| *of_group == reason) {
            Some((_, names)) => names.push(&node.name),
            None => groups.push((reason, vec![&node.name])),
        }
    }
    let text = |(reason, names): (String, Vec<&str>)| match (names.join(comma()), reason.as_str()) {
        (names, "") => names,
        (names, reason) => said!("{names}（{reason}）", "{names} ({reason})"),
    };
    groups.into_iter().map(text).collect()
}

fn date<S: Serializer>(window: &Window, serializer: S) -> Result<S::Ok, S::Error> {
    window.date.serialize(serializer)
}

fn name<S: Serializer>(node: &Node, serializer: S) -> Result<S::Ok, S::Error> {
    node.name.serialize(serializer)
}
