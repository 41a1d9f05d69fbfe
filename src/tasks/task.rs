//! A task of the management system, as far as its record could be read.

use serde::{Serialize, Serializer};
use serde_json::Number;

use crate::units::UnixSeconds;

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
    #[must_use]
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
    #[must_use]
    pub fn other_owner(&self) -> Option<&str> {
        let owner = self.owner.as_deref();
        owner.filter(|&owner| owner != self.username)
    }

    /// Whether it has not ended.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.end == TaskTime::Absent
    }
}
