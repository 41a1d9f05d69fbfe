//! A task of the management system, as far as its record could be read.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Number;

use super::units::UnixSeconds;

/// What stands for text that may hold a name.
pub const WITHHELD: &str = "內容因 --anonymize 而略去";

/// A task. What the API left out is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Who it is accounted to.
    pub username: String,
    /// The node that it runs on.
    pub hostname: String,
    /// The GPUs that it holds from start to end.
    pub gpus: Vec<TaskGpu>,
    /// Its type: `LAB`, `WEBAPP`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The project that it belongs to.
    pub project_uuid: Option<String>,
    /// The image that it runs.
    pub image: Option<String>,
    /// Who created it, where the API says so.
    pub owner: Option<String>,
    /// When it began.
    pub start: TaskTime,
    /// When it ended: absent while it runs.
    pub end: TaskTime,
    /// How long it ran in the window, as the API counts it.
    pub total_seconds: Option<f64>,
}

/// A GPU of a task, as the API names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaskGpu {
    /// The API's number of it.
    pub id: Option<u64>,
    /// Its UUID, in the API's spelling.
    pub uuid: Option<String>,
    /// Its model.
    pub name: Option<String>,
    /// Its VRAM in MB.
    pub memory: Option<Number>,
}

/// A moment in a task's life. It serialises as the API's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskTime {
    /// The API names none.
    Absent,
    /// A stamp.
    At {
        /// The moment.
        unix: UnixSeconds,
        /// The API's text of it.
        text: String,
    },
    /// A text that is no stamp.
    Unreadable(String),
}

impl TaskTime {
    /// The API's text of it, if there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Absent => None,
            Self::At { text, .. } | Self::Unreadable(text) => Some(text),
        }
    }
}

impl Serialize for TaskTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text().serialize(serializer)
    }
}

/// The time in which a task holds its GPUs: `[from, to)`, with no `to` while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its start.
    pub from: UnixSeconds,
    /// Its end, if it has ended.
    pub to: Option<UnixSeconds>,
}

impl Task {
    /// When it holds its GPUs, or what keeps that from being known.
    pub fn held(&self) -> Result<Held, String> {
        let from = match &self.start {
            TaskTime::At { unix, .. } => *unix,
            TaskTime::Absent => return Err("缺少 start".to_owned()),
            TaskTime::Unreadable(text) => return Err(format!("start「{text}」不是時間")),
        };
        let to = match &self.end {
            TaskTime::At { unix, .. } => Some(*unix),
            TaskTime::Absent => None,
            TaskTime::Unreadable(text) => return Err(format!("end「{text}」不是時間")),
        };
        if to.is_some_and(|to| to < from) {
            return Err("end 早於 start".to_owned());
        }
        Ok(Held { from, to })
    }

    /// Its owner, where that is not the user that it is accounted to.
    pub fn other_owner(&self) -> Option<&str> {
        let owner = self.owner.as_deref();
        owner.filter(|&owner| owner != self.username)
    }
}

/// What the API says of a day.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The tasks, by start.
    pub tasks: Vec<Task>,
    /// The entries that could not be read.
    pub malformed: Vec<MalformedTask>,
}

impl Answer {
    /// Whether it has nothing at all.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.malformed.is_empty()
    }
}

/// A task that the answer holds in no readable form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MalformedTask {
    /// Its id.
    pub id: String,
    /// What is wrong with it.
    pub problem: String,
}

/// An answer that was kept.
#[derive(Clone, Debug)]
pub struct KeptAnswer {
    /// What the API said.
    pub answer: Answer,
    /// When it said so.
    pub fetched_at: UnixSeconds,
}

/// What a run knows of the day's tasks.
#[derive(Debug)]
pub enum TaskInformation {
    /// The management API's answer.
    Known(Answer),
    /// An answer of an earlier run, because the management API was not asked or gave none.
    Kept(KeptAnswer),
    /// The management API was not asked.
    NotAsked,
    /// The management API gave no answer, for this reason.
    Unavailable(String),
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

    /// The tasks, if there is an answer.
    pub fn tasks(&self) -> &[Task] {
        self.answer().map_or(&[], |answer| &answer.tasks)
    }

    /// Whether there are tasks that cannot be read.
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
