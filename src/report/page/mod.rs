//! What the page shows of some days, gathered from the tree alone.

mod accounts;
mod day;
mod held;
mod node;
mod shortfalls;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;

use crate::analysis::Pseudonyms;
use crate::analysis::overview::{Findings, HeldTask, Overview, OverviewDay, Resolution, Sources};
use crate::analysis::usage::{Usage, UserOrder};
use crate::model::{GpuIndex, Window};
use crate::settings::Config;
use crate::store::Archive;

use node::NodeDays;

/// Whose page it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scope<'a> {
    /// The nodes; all where none is named.
    pub nodes: &'a [String],
    /// The user, by the name that is shown.
    pub user: Option<&'a str>,
    pub pseudonyms: Option<&'a Pseudonyms>,
}

impl Scope<'_> {
    fn includes(&self, node: &str) -> bool {
        self.nodes.is_empty() || self.nodes.iter().any(|name| name == node)
    }
}

/// Gathers day after day, and forgets what is of no later use.
pub struct Gathering<'a> {
    config: &'a Config,
    archive: &'a Archive,
    scope: Scope<'a>,
    overview: Overview,
    nodes: NodeDays<'a>,
    /// The numbers of users and of tasks.
    users: HashMap<String, usize>,
    tasks: HashMap<(String, usize), usize>,
    /// The size of each card, in MiB, as the tasks name it.
    memory: BTreeMap<(usize, GpuIndex), f64>,
}

impl<'a> Gathering<'a> {
    /// Of the days from the first to the last, of which there are so many.
    pub fn new(
        config: &'a Config,
        archive: &'a Archive,
        scope: Scope<'a>,
        (first, last): (NaiveDate, NaiveDate),
        days: usize,
    ) -> Self {
        let nodes = NodeDays::new(config, scope);
        let resolution = Resolution::of(nodes.gpus(), days, config.interval);
        let overview = Overview {
            first,
            last,
            zone: config.zone,
            interval: config.interval,
            thresholds: config.thresholds,
            resolution,
            days: Vec::new(),
            nodes: Vec::new(),
            users: Vec::new(),
            tasks: Vec::new(),
            usage: Usage::new(first, last),
            vram: BTreeMap::new(),
            gpus_of_users: BTreeMap::new(),
            user: scope.user.map(str::to_owned),
            findings: Findings::default(),
            shortfalls: BTreeMap::new(),
            unusable: BTreeSet::new(),
            sources: Sources::default(),
        };
        Self {
            config,
            archive,
            scope,
            overview,
            nodes,
            users: HashMap::new(),
            tasks: HashMap::new(),
            memory: BTreeMap::new(),
        }
    }

    /// Adds all days.
    pub fn gather(mut self, windows: &[Window]) -> Overview {
        for window in windows {
            self.add_day(window);
        }
        self.finish()
    }

    fn finish(self) -> Overview {
        let Self {
            mut overview,
            nodes,
            scope,
            ..
        } = self;
        overview.nodes = nodes.finish();
        number_by_hours(&mut overview);
        for lane in overview.nodes.iter_mut().flat_map(|node| &mut node.lanes) {
            lane.holds.sort_unstable();
            lane.holds.dedup();
        }
        if let Some(user) = scope.user {
            for node in &mut overview.nodes {
                let of_user = |task: usize| {
                    let number = overview.tasks[task].user;
                    overview.users[number] == user
                };
                for lane in &mut node.lanes {
                    lane.holds.retain(|hold| of_user(hold.task));
                    lane.users_of_file = None;
                }
            }
        }
        overview
    }

    /// The cells of a day of so many readings, and how many readings each is of.
    fn cells(&self, window: &Window) -> (usize, usize) {
        let step = self.overview.cell_seconds();
        if step == 0 {
            return (0, 1);
        }
        let count = |seconds: i64, of: i64| usize::try_from((seconds + of - 1) / of).unwrap_or(0);
        let of_each = count(step, window.interval.seconds());
        (count(window.end - window.start, step), of_each)
    }

    fn overview_day(&self, window: &Window) -> OverviewDay {
        let (cells, _) = self.cells(window);
        let step = self.overview.cell_seconds();
        let mut offsets: Vec<(usize, i64)> = Vec::new();
        for cell in 0..cells.max(1) {
            let at = window.start + step * i64::try_from(cell).unwrap_or(0);
            let offset = window.offset(at);
            if offsets.last().is_none_or(|(_, last)| *last != offset) {
                offsets.push((cell, offset));
            }
        }
        OverviewDay {
            date: window.date,
            start: window.start,
            end: window.end,
            until: window.until,
            collected: window.until,
            last_reading: None,
            cells,
            offsets,
            parts: None,
            tasks_until: None,
        }
    }

    fn user_number(&mut self, name: &str) -> usize {
        let overview = &mut self.overview;
        *self.users.entry(name.to_owned()).or_insert_with(|| {
            overview.users.push(name.to_owned());
            overview.users.len() - 1
        })
    }

    fn task_number(&mut self, task: HeldTask) -> usize {
        let overview = &mut self.overview;
        let key = (task.id.clone(), task.user);
        *self.tasks.entry(key).or_insert_with(|| {
            overview.tasks.push(task);
            overview.tasks.len() - 1
        })
    }
}

/// Numbers the users anew, whoever held most first: the first few have colours of their own.
fn number_by_hours(overview: &mut Overview) {
    let sorted = overview.usage.sorted(UserOrder::Allocated).into_iter();
    let ranks: HashMap<_, _> = sorted.map(|(name, _)| name).zip(0..).collect();
    let mut order: Vec<usize> = (0..overview.users.len()).collect();
    let rank = |&number: &usize| ranks.get(&*overview.users[number]).copied();
    order.sort_by_key(|number| rank(number).unwrap_or(usize::MAX));
    let mut numbers = vec![0; order.len()];
    for (new, &old) in order.iter().enumerate() {
        numbers[old] = new;
    }
    overview.users = order
        .iter()
        .map(|&old| overview.users[old].clone())
        .collect();
    for task in &mut overview.tasks {
        task.user = numbers[task.user];
    }
}
