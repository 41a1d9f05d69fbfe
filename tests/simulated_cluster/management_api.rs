//! The management API: which user's task held which GPU.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::fault::{Conduct, Fault};
use super::message::{Answer, Request};

/// Where the API answers.
pub(super) const PATH: &str = "/api/v2/consumption/task";
/// The memory of an MI300X, in MB, as the API gives it.
const GPU_MEMORY_MB: u32 = 196_592;

/// The API, with the tasks that it knows.
#[derive(Clone, Debug)]
pub struct SimulatedApi {
    token: Token,
    /// Seconds by which the API's clock, on which it reads the window, is ahead of UTC.
    utc_offset: i64,
    tasks: Vec<SimulatedTask>,
    raw_tasks: Vec<(String, Value)>,
    pub(super) conduct: Conduct,
    /// The last answer, with the target that asked for it: rendering thousands of tasks takes longer than the program
    /// that is measured takes to read them.
    last: Arc<Mutex<Option<(String, String)>>>,
}

/// Never shown, so that no message of a failed test can.
#[derive(Clone)]
struct Token(String);

impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("(redacted)")
    }
}

impl SimulatedApi {
    /// An API without tasks, whose clock is UTC, and which asks for this bearer token.
    pub fn new(token: &str) -> Self {
        let token = Token(token.to_owned());
        Self {
            token,
            utc_offset: 0,
            tasks: Vec::new(),
            raw_tasks: Vec::new(),
            conduct: Conduct::default(),
            last: Arc::default(),
        }
    }

    /// Adds a task.
    pub fn task(mut self, task: SimulatedTask) -> Self {
        self.tasks.push(task);
        self
    }

    /// Adds an entry that is sent as it is with every answer, for tasks that are not as they should be.
    pub fn raw_task(mut self, id: &str, json: Value) -> Self {
        self.raw_tasks.push((id.to_owned(), json));
        self
    }

    /// The API reads `start_t` and `end_t` on a clock that is so many seconds ahead of UTC. Its answers stay in GMT.
    pub fn utc_offset(mut self, seconds: i64) -> Self {
        self.utc_offset = seconds;
        self
    }

    /// The clock that its answers are dated by is so many seconds ahead of the machine's.
    pub fn clock_ahead(mut self, seconds: i64) -> Self {
        self.conduct.clock_ahead = seconds;
        self
    }

    /// What goes wrong with every request.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.conduct.fault = Some(fault);
        self
    }

    /// How long every answer takes.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.conduct.latency = latency;
        self
    }

    pub(super) fn answer(&self, request: &Request) -> Answer {
        if request.path() != PATH {
            return refusal(404, "Not Found");
        }
        let token = request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Bearer "));
        if token != Some(self.token.0.as_str()) {
            return refusal(401, "Token is missing or invalid");
        }
        let stamp = |name| {
            let given = request.parameter(name)?;
            let stamp = NaiveDateTime::parse_from_str(&given, "%Y-%m-%d %H:%M:%S").ok()?;
            Some(stamp.and_utc().timestamp() - self.utc_offset)
        };
        let (Some(start), Some(end)) = (stamp("start_t"), stamp("end_t")) else {
            return refusal(400, "start_t and end_t must be YYYY-MM-DD HH:MM:SS");
        };
        let mut last = self.last.lock().expect("no answer panics");
        match &*last {
            Some((target, body)) if *target == request.target => return Answer::json(body.clone()),
            _ => {}
        }
        let user = request.parameter("username");
        let asked_for = self
            .tasks
            .iter()
            .filter(|task| user.as_ref().is_none_or(|user| *user == task.user));
        let tasks = asked_for.filter_map(|task| Some((task.id.clone(), task.json(start, end)?)));
        let tasks = tasks.chain(self.raw_tasks.iter().cloned());
        // One id may come twice, which no map would hold.
        let entries = tasks.map(|(id, task)| format!("{}:{task}", Value::from(id)));
        let body = format!("{{{}}}", entries.collect::<Vec<_>>().join(","));
        // What a running task has held changes by the second.
        if self.tasks.iter().all(|task| task.end.is_some()) {
            *last = Some((request.target.clone(), body.clone()));
        }
        Answer::json(body)
    }
}

fn refusal(status: u16, message: &str) -> Answer {
    Answer {
        status,
        ..Answer::json(json!({"message": message}).to_string())
    }
}

/// A task of a user, which holds GPUs of a host. Times are Unix seconds.
#[derive(Clone, Debug)]
pub struct SimulatedTask {
    id: String,
    user: String,
    host: String,
    gpus: Vec<(u32, String)>,
    start: i64,
    end: Option<i64>,
    kind: String,
    image: String,
    project: String,
    owner: Option<String>,
}

impl SimulatedTask {
    /// A task without GPUs that has run since 2025-07-16 08:19:32 GMT and is still running.
    pub fn new(id: &str, user: &str, host: &str) -> Self {
        Self {
            id: id.to_owned(),
            user: user.to_owned(),
            host: host.to_owned(),
            gpus: Vec::new(),
            start: 1_752_653_972,
            end: None,
            kind: "LAB".to_owned(),
            image: "registry.example/lab:1".to_owned(),
            project: "pd000001".to_owned(),
            owner: None,
        }
    }

    /// Gives the task a GPU, by the API's id and by UUID (`APU-` and 16 hexadecimal digits).
    pub fn gpu(mut self, id: u32, uuid: &str) -> Self {
        self.gpus.push((id, uuid.to_owned()));
        self
    }

    /// When the task began.
    pub fn start(mut self, start: i64) -> Self {
        self.start = start;
        self
    }

    /// When the task ended.
    pub fn end(mut self, end: i64) -> Self {
        self.end = Some(end);
        self
    }

    /// The task's type, `LAB` unless told otherwise.
    pub fn kind(mut self, kind: &str) -> Self {
        kind.clone_into(&mut self.kind);
        self
    }

    /// The image that the task runs.
    pub fn image(mut self, image: &str) -> Self {
        image.clone_into(&mut self.image);
        self
    }

    /// The owner, where that is not the user.
    pub fn owner(mut self, owner: &str) -> Self {
        self.owner = Some(owner.to_owned());
        self
    }

    /// The project that the task belongs to.
    pub fn project(mut self, uuid: &str) -> Self {
        uuid.clone_into(&mut self.project);
        self
    }

    /// The task as the API shows it for the window `[from, to]`, if it ran then.
    fn json(&self, from: i64, to: i64) -> Option<Value> {
        let (held_from, held_to) = (
            self.start.max(from),
            self.end.unwrap_or_else(|| Utc::now().timestamp()).min(to),
        );
        let seconds = u32::try_from(held_to - held_from)
            .ok()
            .filter(|&seconds| seconds > 0)?;
        let gpu = |(id, uuid): &(u32, String)| json!({"id": id, "uuid": uuid, "name": "AMD Instinct MI300X", "memory": GPU_MEMORY_MB, "mig": false});
        Some(json!({
            "username": self.user,
            "hostname": self.host,
            "gpus": self.gpus.iter().map(gpu).collect::<Vec<_>>(),
            "task": {
                "_type": self.kind,
                "project_uuid": self.project,
                "image": self.image,
                "create_time": gmt(self.start),
                "owner": self.owner.as_ref().unwrap_or(&self.user),
            },
            "flavor": format!("gpu{}", self.gpus.len()),
            "start": gmt(self.start),
            "end": self.end.map(gmt),
            "total_seconds": f64::from(seconds),
        }))
    }
}

/// `Wed, 16 Jul 2025 08:19:32 GMT`.
fn gmt(unix: i64) -> String {
    let time = DateTime::from_timestamp(unix, 0).expect("a time within the calendar");
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
