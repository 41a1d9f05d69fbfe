//! Who is asked, and when: every node by a worker that nobody waits for, and none again before it has answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::commands::calendar::{Calendar, now};
use crate::commands::values::MOST_JOBS;
use crate::model::{Answer, DateArg, Node, UnixSeconds, Window, text};
use crate::report::live::Gathered;
use crate::settings::{Config, Patience, Token};
use crate::sources::management_api::{self, Fetched};
use crate::sources::netdata::{Client, Recent, Stretch};
use crate::sources::parallel::NoThread;

/// How long a node may take for all that it is asked at once.
const NODE_DEADLINE: Duration = Duration::from_secs(5);
/// How long the management API may take.
const API_DEADLINE: Duration = Duration::from_secs(10);
/// What the rows of the hour are asked for again after: each is as long.
const HOUR_PERIOD: Duration = Duration::from_secs(300);
const TASKS_PERIOD: Duration = Duration::from_secs(60);

pub struct Asking {
    config: Arc<Config>,
    jobs: Sender<Job>,
    events: Receiver<Event>,
    nodes: Vec<Asked>,
    are_tasks_asked: bool,
    tasks_due: Instant,
}

/// What has been asked of one node.
#[derive(Clone)]
struct Asked {
    /// Whether the answer has not come yet.
    is_open: bool,
    hour_due: Instant,
    /// None where it has answered, or is being asked.
    day_due: Option<Instant>,
}

enum Job {
    Node(usize, Vec<Stretch>),
    Tasks,
}

enum Event {
    Node(usize, Stretch, Result<Recent, String>),
    /// There is no more to come of what the node was asked.
    Done(usize),
    Tasks(UnixSeconds, Result<(Answer, Window), String>),
}

/// What a worker asks with.
struct Means {
    config: Arc<Config>,
    nodes: Vec<Node>,
    client: Client,
    deadline: Duration,
    api: Patience,
}

fn bug() -> String {
    text(
        "程式發生內部錯誤，請回報",
        "internal error: please report it",
    )
    .to_owned()
}

impl Asking {
    /// Hires the workers. A node that hangs holds up its own, and no more of them are needed than that.
    pub fn begin(config: &Config, nodes: &[&Node], is_once: bool) -> Result<Self, NoThread> {
        let deadline = NODE_DEADLINE.min(config.netdata.timeout);
        // Who asks again in a moment need not try again before.
        let retries = if is_once { config.netdata.retries } else { 0 };
        let patience = |deadline: Duration, retries| Patience {
            timeout: config.netdata.timeout.min(deadline),
            connect_timeout: config.netdata.connect_timeout.min(deadline),
            deadline: config.netdata.deadline.min(deadline),
            retries,
            ..config.netdata.clone()
        };
        let config = Arc::new(config.clone());
        let means = Arc::new(Means {
            client: Client::new(&patience(deadline, retries), nodes),
            nodes: nodes.iter().map(|&node| node.clone()).collect(),
            deadline,
            api: patience(API_DEADLINE, config.netdata.retries),
            config: Arc::clone(&config),
        });
        let (jobs, waiting) = mpsc::channel();
        let (answers, events) = mpsc::channel();
        let waiting = Arc::new(Mutex::new(waiting));
        // One more for the management API.
        let wanted = nodes.len().min(MOST_JOBS.into()) + 1;
        for hired in 0..wanted {
            let (means, waiting) = (Arc::clone(&means), Arc::clone(&waiting));
            let answers = answers.clone();
            let worker = Builder::new().spawn(move || means.work(&waiting, &answers));
            match worker {
                Ok(_) => {}
                // Fewer do as well.
                Err(_) if hired > 0 => break,
                Err(error) => return Err(error.into()),
            }
        }
        let now = Instant::now();
        let asked = Asked {
            is_open: false,
            hour_due: now,
            day_due: Some(now),
        };
        Ok(Self {
            config,
            jobs,
            events,
            nodes: vec![asked; nodes.len()],
            are_tasks_asked: false,
            tasks_due: now,
        })
    }

    /// Asks everybody who owes no answer.
    pub fn ask(&mut self) {
        let at = Instant::now();
        if !self.are_tasks_asked && at >= self.tasks_due {
            (self.are_tasks_asked, self.tasks_due) = (true, at + TASKS_PERIOD);
            self.send(Job::Tasks);
        }
        for position in 0..self.nodes.len() {
            if self.nodes[position].is_open {
                continue;
            }
            let mut stretches = vec![Stretch::Now];
            if at >= self.nodes[position].hour_due {
                stretches.push(Stretch::Hour);
            }
            self.ask_node(position, stretches);
        }
    }

    /// Asks those for the day whose hour was not long enough.
    pub fn ask_days(&mut self, gathered: &Gathered) {
        let at = Instant::now();
        for position in 0..self.nodes.len() {
            let asked = &mut self.nodes[position];
            let is_due = !asked.is_open && asked.day_due.is_some_and(|due| at >= due);
            if is_due && gathered.wants_day(position, now()) {
                asked.day_due = None;
                self.ask_node(position, vec![Stretch::Day]);
            }
        }
    }

    fn ask_node(&mut self, position: usize, stretches: Vec<Stretch>) {
        self.nodes[position].is_open = true;
        self.send(Job::Node(position, stretches));
    }

    fn send(&self, job: Job) {
        // The workers are there for as long as this is.
        let _ = self.jobs.send(job);
    }

    /// Takes in what has been answered, without a wait, and answers whether that was anything.
    pub fn take_all(&mut self, gathered: &mut Gathered) -> bool {
        let mut is_any = false;
        while let Ok(event) = self.events.try_recv() {
            self.take(event, gathered);
            is_any = true;
        }
        is_any
    }

    /// Asks everybody once, and a second time those nodes whose idle GPUs want it.
    pub fn ask_once(&mut self, gathered: &mut Gathered) {
        self.ask();
        self.wait(gathered);
        self.ask_days(gathered);
        self.wait(gathered);
    }

    fn wait(&mut self, gathered: &mut Gathered) {
        while self.are_tasks_asked || self.nodes.iter().any(|asked| asked.is_open) {
            let Ok(event) = self.events.recv() else {
                return;
            };
            self.take(event, gathered);
        }
    }

    fn take(&mut self, event: Event, gathered: &mut Gathered) {
        match event {
            Event::Node(position, stretch, Ok(recent)) => {
                if stretch == Stretch::Hour {
                    self.nodes[position].hour_due = Instant::now() + HOUR_PERIOD;
                }
                gathered.answered(position, stretch, &recent, now());
            }
            Event::Node(position, Stretch::Now, Err(problem)) => {
                // What goes on meanwhile, the hour will say.
                self.nodes[position].hour_due = Instant::now();
                gathered.failed(position, problem);
            }
            // What is now is known all the same.
            Event::Node(position, Stretch::Hour, Err(_)) => {
                self.nodes[position].hour_due = Instant::now() + TASKS_PERIOD;
                gathered.hour_failed(position);
            }
            Event::Node(position, Stretch::Day, Err(_)) => {
                self.nodes[position].day_due = Some(Instant::now() + TASKS_PERIOD);
            }
            Event::Done(position) => self.nodes[position].is_open = false,
            Event::Tasks(asked_at, result) => {
                self.are_tasks_asked = false;
                match result {
                    Ok((answer, window)) => {
                        gathered.tasks_answered(&answer, &window, asked_at, &self.config);
                    }
                    Err(problem) => gathered.tasks_failed(problem),
                }
            }
        }
    }
}

impl Means {
    /// Does jobs until nobody wants an answer any more.
    fn work(&self, waiting: &Mutex<Receiver<Job>>, answers: &Sender<Event>) {
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let is_wanted = match next {
                Ok(Job::Node(position, stretches)) => {
                    self.ask_node(position, &stretches, answers);
                    answers.send(Event::Done(position)).is_ok()
                }
                Ok(Job::Tasks) => {
                    let asked_at = now();
                    let asked = catch_unwind(AssertUnwindSafe(|| self.tasks()));
                    let result = asked.unwrap_or_else(|_| Err(bug()));
                    answers.send(Event::Tasks(asked_at, result)).is_ok()
                }
                Err(_) => false,
            };
            if !is_wanted {
                return;
            }
        }
    }

    fn ask_node(&self, position: usize, stretches: &[Stretch], answers: &Sender<Event>) {
        let deadline = Instant::now() + self.deadline;
        let (node, zone) = (&self.nodes[position], self.config.zone);
        for &stretch in stretches {
            let ask = || self.client.recent(node, stretch, zone, deadline);
            let result = match catch_unwind(AssertUnwindSafe(ask)) {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err(bug()),
            };
            let failed = result.is_err();
            let is_over = answers
                .send(Event::Node(position, stretch, result))
                .is_err();
            if failed || is_over {
                return;
            }
        }
    }

    /// The tasks of today. The token is read again each time: it may be a new one.
    fn tasks(&self) -> Result<(Answer, Window), String> {
        let config = &*self.config;
        let file = &config.management_api.token_file;
        if !Token::is_anywhere(file) {
            let missing = text(
                "沒有管理 API 的 Token（見 daily-gpu-log help token）",
                "there is no token for the management API (see daily-gpu-log help token)",
            );
            return Err(missing.to_owned());
        }
        let token = Token::find(file).map_err(|error| error.to_string())?;
        let calendar = Calendar::now(config);
        let window = calendar.window(calendar.date(DateArg::Today));
        let window = window.map_err(|error| error.to_string())?;
        let (api, now) = (&config.management_api, calendar.now);
        let fetched = management_api::fetch(api, &self.api, &token, &window, None, now);
        let Fetched { answer, .. } = fetched.map_err(|error| error.to_string())?;
        Ok((answer, window))
    }
}
