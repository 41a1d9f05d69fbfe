//! By what the accounts are added up.

use chrono::NaiveDate;
use clap::ValueEnum;
use serde::Serialize;

use crate::model::{Task, text};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    #[default]
    User,
    Project,
    Node,
    Day,
    TaskType,
}

/// What accounts have in common, in the order of names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Day(NaiveDate),
    Named(String),
    /// The task names none.
    Unnamed,
    /// It is not known by which task it was held.
    Unknown,
}

impl GroupBy {
    /// Whether the accounts alone do not say it.
    pub fn needs_tasks(self) -> bool {
        matches!(self, Self::Project | Self::TaskType)
    }

    /// The group of what a task held, where that is by the task.
    pub fn of_task(self, task: &Task) -> Group {
        let name = match self {
            Self::Project => task.project_uuid.as_ref(),
            Self::TaskType => task.kind.as_ref(),
            Self::User => Some(&task.username),
            Self::Node => Some(&task.hostname),
            Self::Day => None,
        };
        name.map_or(Group::Unnamed, |name| Group::Named(name.clone()))
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::User => text("使用者", "user"),
            Self::Project => text("專案", "project"),
            Self::Node => text("節點", "node"),
            Self::Day => text("日期", "day"),
            Self::TaskType => text("任務類型", "task type"),
        }
    }

    /// The same at the head of a column.
    pub fn heading(self) -> &'static str {
        match self {
            Self::User => text("使用者", "User"),
            Self::Project => text("專案", "Project"),
            Self::Node => text("節點", "Node"),
            Self::Day => text("日期", "Day"),
            Self::TaskType => text("任務類型", "Task type"),
        }
    }
}

impl Group {
    /// Its name, if it has one.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::Day(date) => Some(date.to_string()),
            Self::Named(name) => Some(name.clone()),
            Self::Unnamed | Self::Unknown => None,
        }
    }

    /// Its name, or the word for that it has none.
    pub fn shown(&self) -> String {
        self.name().unwrap_or_else(|| match self {
            Self::Unknown => text("（不明）", "(unknown)").to_owned(),
            _ => text("（無）", "(none)").to_owned(),
        })
    }
}
