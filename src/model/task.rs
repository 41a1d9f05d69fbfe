//! A task of the management system, as far as its record could be read; and what a run knows of a day's tasks.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

use crate::model::{Both, UnixSeconds, both, quote};

/// What the API left out is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    pub id: String,
    /// Who it is accounted to.
    pub username: String,
    /// The node that it runs on.
    pub hostname: String,
    /// The GPUs that it holds from start to end.
    pub gpus: Vec<TaskGpu>,
    /// How many more it was given, where none is listed.
    #[serde(skip)]
    pub unlisted_gpus: u64,
    /// `LAB`, `WEBAPP`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub project_uuid: Option<String>,
    pub image: Option<String>,
    /// Who created it, where the API says so.
    pub owner: Option<String>,
    /// When it was asked for. It may wait for its start.
    pub create_time: TaskTime,
    pub start: TaskTime,
    /// Absent while it runs.
    pub end: TaskTime,
    /// How long it ran in the window, as the API counts it.
    pub total_seconds: Option<f64>,
    /// Its place in the answer, after those that only an earlier one has.
    #[serde(skip)]
    pub position: usize,
    /// When an answer last named it, if the newest does not. What it held later is not known.
    #[serde(skip)]
    pub last_named: Option<UnixSeconds>,
}

/// A GPU of a task, as the API names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskGpu {
    pub id: Option<u64>,
    /// In the API's spelling.
    pub uuid: Option<String>,
    /// Its model.
    pub name: Option<String>,
    /// Its VRAM in MB.
    pub memory: Option<Number>,
}

/// It serialises as the API's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskTime {
    Absent,
    /// It does not come.
    Never,
    At {
        unix: UnixSeconds,
        /// The API's text of it.
        text: String,
    },
    Unreadable(String),
}

/// The time in which a task holds its GPUs: `[from, to)`, with no `to` while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    pub from: UnixSeconds,
    pub to: Option<UnixSeconds>,
}

impl Task {
    /// When it holds its GPUs, if it ever does, or what keeps that from being known.
    pub fn held(&self) -> Result<Option<Held>, Both> {
        let moment = |field: &str, time: &TaskTime| match time {
            TaskTime::At { unix, .. } => Ok(Some(*unix)),
            TaskTime::Absent | TaskTime::Never => Ok(None),
            TaskTime::Unreadable(text) => {
                let text = quote(text);
                Err(both!(
                    "{field}「{text}」不是時間",
                    "{field} '{text}' is not a time"
                ))
            }
        };
        let to = moment("end", &self.end)?;
        if self.start == TaskTime::Never {
            return Ok(None);
        }
        let missing = || both!("缺少 start", "start is missing");
        let from = moment("start", &self.start)?.ok_or_else(missing)?;
        Ok((to.is_none_or(|to| from < to)).then_some(Held { from, to }))
    }

    pub fn has_gpus(&self) -> bool {
        !self.gpus.is_empty() || self.unlisted_gpus > 0
    }

    /// Its owner, where that is not the user that it is accounted to.
    pub fn other_owner(&self) -> Option<&str> {
        let owner = self.owner.as_deref();
        owner.filter(|&owner| owner != self.username)
    }
}

impl TaskTime {
    pub fn unix(&self) -> Option<UnixSeconds> {
        match self {
            Self::At { unix, .. } => Some(*unix),
            Self::Absent | Self::Never | Self::Unreadable(_) => None,
        }
    }

    /// The API's text of it, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Absent | Self::Never => None,
            Self::At { text, .. } | Self::Unreadable(text) => Some(text),
        }
    }
}

impl Serialize for TaskTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

/// What the API says of a day.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// By start.
    pub tasks: Vec<Task>,
    pub malformed: Vec<MalformedTask>,
    /// The ids that more than one task has.
    pub repeated: Vec<String>,
    /// The ids of tasks of which a time is of another weekday than it says.
    pub misdated: Vec<String>,
}

/// A task that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedTask {
    pub id: String,
    pub problem: Both,
}

/// An answer that an earlier run kept.
#[derive(Clone, Debug)]
pub struct KeptAnswer {
    pub answer: Answer,
    pub fetched_at: UnixSeconds,
}

/// What a run knows of the day's tasks.
#[derive(Debug)]
pub enum TaskInformation {
    Known(Answer),
    /// The management API was not asked or gave no answer.
    Kept(KeptAnswer),
    NotAsked,
    /// The management API gave no answer, for this reason.
    Unavailable(Both),
}

/// Where a run's task information is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskSource {
    Known,
    Kept,
    NotAsked,
    Unavailable,
}

impl TaskInformation {
    pub fn source(&self) -> TaskSource {
        match self {
            Self::Known(_) => TaskSource::Known,
            Self::Kept(_) => TaskSource::Kept,
            Self::NotAsked => TaskSource::NotAsked,
            Self::Unavailable(_) => TaskSource::Unavailable,
        }
    }

    /// When the management API gave it, if it did, for a run that began at `started_at`: no later than it truly was.
    pub fn as_of(&self, started_at: UnixSeconds) -> Option<UnixSeconds> {
        match self {
            Self::Known(_) => Some(started_at),
            Self::Kept(kept) => Some(kept.fetched_at),
            Self::NotAsked | Self::Unavailable(_) => None,
        }
    }

    /// None where there is no answer.
    pub fn tasks(&self) -> &[Task] {
        self.answer().map_or(&[], |answer| &answer.tasks)
    }

    pub fn has_malformed(&self) -> bool {
        self.answer()
            .is_some_and(|answer| !answer.malformed.is_empty())
    }

    fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::Kept(kept) => Some(&kept.answer),
            Self::NotAsked | Self::Unavailable(_) => None,
        }
    }
}
