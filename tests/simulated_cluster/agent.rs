//! The Netdata agent of a node: which charts a query selects, and what is in their rows.
//!
//! Which tier answers matters only for a node with [`SimulatedNode::fine_samples_from`].
//! Of the options, `unaligned`, `jsonwrap` and `flip` have their effect; `group` is always the average and `format` always JSON.
//! Left out: gzip, the v2 API, name patterns with `*`, and the interpolation by which 2.8 smears the first row of a window.

use serde_json::json;

use super::message::{Answer, Request};
use super::node::{RawReading, SimulatedNode, Version};
use super::readings::{self, Metric, TenMillionths};
use super::rendering;
use super::window::Window;

/// Seconds by which a window may miss the samples of a chart and still have (empty) rows of it: two of the agent's intervals.
const RETENTION_SLACK: i64 = 2;

/// A query for data, as the agent understands it.
pub(super) struct Query {
    pub context: String,
    /// Empty, or a list of chart ids or names.
    pub chart: String,
    pub after: i64,
    pub before: i64,
    pub points: i64,
    /// `tier=0`: the samples alone.
    pub samples_only: bool,
    /// Those that the agent knows, in its order.
    pub options: Vec<&'static str>,
}

impl Query {
    fn from_request(request: &Request) -> Self {
        let text = |name| request.parameter(name).unwrap_or_default();
        let number = |name| text(name).parse().unwrap_or(0);
        let given = text("options");
        let given: Vec<&str> = given.split([',', '|', ' ']).collect();
        let known = ["flip", "jsonwrap", "unaligned"];
        Self {
            context: text("context"),
            chart: text("chart"),
            after: number("after"),
            before: number("before"),
            points: number("points"),
            samples_only: text("tier") == "0",
            options: known
                .into_iter()
                .filter(|option| given.contains(option))
                .collect(),
        }
    }

    pub fn has(&self, option: &str) -> bool {
        self.options.contains(&option)
    }

    /// Whether the query names one chart, so that the answer need not name it.
    pub fn is_for_one_chart(&self) -> bool {
        self.context.is_empty() && !self.chart.contains(['|', ','])
    }

    fn selects(&self, chart: Chart) -> bool {
        let listed = |list: &str, matches: &dyn Fn(&str) -> bool| {
            list.is_empty() || list.split(['|', ',']).any(matches)
        };
        listed(&self.context, &|context| context == chart.metric.context())
            && listed(&self.chart, &|name| {
                name == chart.id() || name == chart.name()
            })
    }
}

/// A chart of the collector: one metric of one card.
#[derive(Clone, Copy)]
pub(super) struct Chart {
    pub metric: Metric,
    card: u32,
    product: &'static str,
    /// The agent fed it in `(from, to]`.
    from: i64,
    to: i64,
}

impl Chart {
    /// Those of the metric of a card: a second one where the card has been renamed.
    fn of(node: &SimulatedNode, metric: Metric, card: u32) -> impl Iterator<Item = Self> {
        let renamed = node.renamed.iter().find(|(of, _)| *of == card);
        let at = renamed.map(|(_, at)| *at);
        let chart = move |product, from, to| Self {
            metric,
            card,
            product,
            from,
            to,
        };
        // No table of the collector knows an MI300X by its name.
        let old = chart("unknown AMD GPU", i64::MIN, at.unwrap_or(i64::MAX));
        let new = at.map(|at| chart("AMD Instinct MI300X", at, i64::MAX));
        [old].into_iter().chain(new)
    }

    /// With spaces, as the product's name has.
    pub fn id(self) -> String {
        let Self { card, product, .. } = self;
        format!("{}_{product}_card{card}", self.metric.context())
    }

    /// The id without spaces, by which a chart can also be asked for.
    pub fn name(self) -> String {
        self.id().replace(' ', "_")
    }
}

/// The charts of one metric, as with `options=charts`.
fn context(node: &SimulatedNode, request: &Request) -> Answer {
    let asked = request.parameter("context");
    let is_asked = |metric: &&Metric| asked.as_deref() == Some(metric.context());
    let metrics = Metric::ALL.iter().filter(is_asked);
    let charts: Vec<_> = metrics
        .flat_map(|&metric| {
            let present = node.cards.iter();
            let present = present.filter(move |&&card| node.has_chart(metric, card));
            present.flat_map(move |&card| {
                let first = node.first_sample(metric, card);
                let charts = Chart::of(node, metric, card);
                charts.map(move |chart| (chart, first.max(chart.from.saturating_add(1))))
            })
        })
        .collect();
    if charts.is_empty() {
        return Answer {
            status: 404,
            ..Answer::json("")
        };
    }
    Answer::json(rendering::context(
        node.version,
        &charts,
        node.conduct.clock(),
    ))
}

/// One value of one row.
#[derive(Clone, Copy)]
pub(super) enum Cell<'a> {
    Empty,
    Reading(TenMillionths),
    Raw(&'a str),
}

/// What a query found.
pub(super) struct Table<'a> {
    pub charts: Vec<Chart>,
    pub window: Window,
    /// In the order of the charts, for each row in the order of time.
    pub cells: Vec<Cell<'a>>,
    /// The newest sample of each chart.
    pub latest: Vec<Cell<'a>>,
    /// The first and the last second that the agent has samples of.
    pub retention: (i64, i64),
    /// Whether the window is of other tiers, and the query of the samples alone.
    pub lacks_samples: bool,
}

/// What the agent answers.
pub(super) fn answer(node: &SimulatedNode, request: &Request) -> Answer {
    let path = request.path();
    let path = match path
        .strip_prefix("/host/")
        .and_then(|path| path.split_once('/'))
    {
        Some((host, command)) if host == node.name || host == node.guid() => format!("/{command}"),
        Some((host, _)) => {
            let body = format!("This netdata does not maintain a database for host: {host}");
            return Answer::new(404, "text/html; charset=utf-8", body);
        }
        None => path,
    };
    match path.as_str() {
        "/api/v1/data" => data(node, &Query::from_request(request)),
        "/api/v1/info" => info(node),
        "/api/v1/context" => context(node, request),
        _ => Answer::text(404, &format!("Unsupported API command: {path}")),
    }
}

fn data(node: &SimulatedNode, query: &Query) -> Answer {
    if let Some(recorded) = &node.recorded {
        return Answer::json(recorded.as_slice());
    }
    if query.chart.is_empty() && (query.context.is_empty() || !node.context_queries) {
        return Answer::text(400, "No chart or context is given.");
    }
    let now = node.conduct.clock();
    let table = Table::query(node, query, now);
    if table.lacks_samples && node.version != Version::V1_37 {
        return Answer::json(rendering::no_data(node, query, &table));
    }
    if table.charts.is_empty() {
        return Answer::text(404, "No metrics where matched to query.");
    }
    let mut body = rendering::data(node, query, &table);
    for (old, new) in &node.replacements {
        body = body.replacen(old, new, 1);
    }
    Answer::json(body)
}

impl<'a> Table<'a> {
    fn query(node: &'a SimulatedNode, query: &Query, now: i64) -> Self {
        let window = Window::calculate(
            now,
            query.after,
            query.before,
            query.points,
            !query.has("unaligned"),
        );
        let (samples_after, offset) = match node.fine_samples_after {
            Some(after) if query.samples_only => (after.max(node.samples_after), 0),
            Some(_) if node.version == Version::V2_11 => (node.samples_after, 0),
            Some(_) => (node.samples_after, -1),
            None => (node.samples_after, 0),
        };
        // The sample of the second that runs has not been taken yet.
        let retention = (samples_after + 1, node.samples_to.min(now - 1));
        let keeps = |first: i64| {
            window.after <= retention.1 + RETENTION_SLACK
                && window.before >= first - RETENTION_SLACK
        };
        let kept = keeps(node.samples_after + 1);
        let present = |metric| {
            let cards = node.cards.iter();
            cards.filter(move |&&card| kept && node.has_chart(metric, card))
        };
        let charts = Metric::ALL
            .iter()
            .flat_map(|&metric| present(metric).map(move |&card| (metric, card)));
        let charts = charts.flat_map(|(metric, card)| Chart::of(node, metric, card));
        let overlaps = |chart: &Chart| chart.from < window.before && window.after <= chart.to;
        let charts: Vec<Chart> = charts
            .filter(|chart| query.selects(*chart) && overlaps(chart))
            .collect();
        let mut cells =
            Vec::with_capacity(charts.len() * usize::try_from(window.points).unwrap_or_default());
        for stamp in window.stamps() {
            cells.extend(
                charts
                    .iter()
                    .map(|chart| chart.cell(node, stamp, window.group, offset, retention)),
            );
        }
        let latest = charts
            .iter()
            .map(|chart| chart.cell(node, retention.1, 1, 0, retention))
            .collect();
        Self {
            charts,
            window,
            cells,
            latest,
            retention,
            lacks_samples: kept && !keeps(retention.0),
        }
    }
}

impl Chart {
    /// The row of this chart with this stamp, of the samples that are `offset` away and in `retention`.
    fn cell(
        self,
        node: &SimulatedNode,
        stamp: i64,
        group: i64,
        offset: i64,
        (first_sample, last_sample): (i64, i64),
    ) -> Cell<'_> {
        let is_this = |raw: &&RawReading| {
            raw.stamp == stamp && raw.card == self.card && raw.metric == self.metric
        };
        if let Some(raw) = node.raw_readings.iter().find(is_this) {
            return Cell::Raw(&raw.text);
        }
        let mean = readings::mean(
            node,
            self.metric,
            self.card,
            (stamp + offset - group)
                .max(first_sample - 1)
                .max(self.from),
            (stamp + offset).min(last_sample).min(self.to),
        );
        mean.map_or(Cell::Empty, Cell::Reading)
    }
}

fn info(node: &SimulatedNode) -> Answer {
    let version = match node.version {
        Version::V1_37 => "v1.37.1",
        Version::V2_8 => "v2.8.0-338-nightly",
        Version::V2_11 => "v2.11.0-84-nightly",
    };
    let uid = node.guid();
    let host = |name: &str, guid: &str, reachable: bool| json!({"hostname": name, "hops": 0, "reachable": reachable, "guid": guid});
    let mut hosts = vec![host(&node.name, &uid, !node.is_lost)];
    let others = node.other_hosts.iter();
    hosts.extend(others.map(|(name, guid, reachable)| host(name, guid, *reachable)));
    let info = json!({
        "version": version,
        "uid": uid,
        "mirrored_hosts": [node.name],
        "mirrored_hosts_status": hosts,
        "host_labels": {"_hostname": node.name, "_is_parent": "false"},
        "collectors": [{"plugin": "proc.plugin", "module": "/sys/class/drm"}],
        "memory-mode": "dbengine",
    });
    Answer::json(info.to_string())
}
