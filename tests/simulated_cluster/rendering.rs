//! The text of a data answer, with the white space and the order of the keys that each generation of agents has.

use std::fmt::{Display, Write as _};

use serde_json::{Value, json};

use super::agent::{Cell, Chart, Query, Table};
use super::node::{SimulatedNode, Version};
use super::readings::{self, Metric};

/// The answer to a query: the plain table, or with `jsonwrap` the table and what it is made of.
pub(super) fn data(node: &SimulatedNode, query: &Query, table: &Table<'_>) -> String {
    let mut body = String::with_capacity(table.cells.len() * 12 + 4_096);
    if query.has("jsonwrap") {
        wrapped(&mut body, node, query, table);
    } else {
        plain(&mut body, node.version, query, table);
    }
    body
}

/// The answer with status 200 of agents from 1.43 on that have nothing of the window in the tier that was asked for.
pub(super) fn no_data(node: &SimulatedNode, query: &Query, table: &Table<'_>) -> String {
    let result = json!({"labels": ["time", "no data"], "data": []});
    if !query.has("jsonwrap") {
        return result.to_string();
    }
    let wrapped = json!({
        "api": 1,
        "id": description(node, query),
        "view_update_every": table.window.group,
        "update_every": 1,
        "after": table.window.after,
        "before": table.window.before,
        "group": "average",
        "dimension_names": [],
        "dimension_ids": [],
        "chart_ids": [],
        "dimensions": 0,
        "points": 0,
        "format": "json",
        "db_points_per_tier": [0, 0, 0],
        "result": result,
        "min": 0,
        "max": 0,
    });
    wrapped.to_string()
}

/// The answer to `/api/v1/context` for charts of one metric with their first samples. A chart is said to be collected, and
/// its last sample to be of now, long after it has had its last, as measured.
pub(super) fn context(version: Version, charts: &[(Chart, i64)], now: i64) -> String {
    let of = |metric: Metric, first: i64| {
        json!({
            "title": metric.title(),
            "units": "percentage",
            "family": "utilization",
            "chart_type": "line",
            "priority": 39_000,
            "first_time_t": first,
            "last_time_t": now,
            "collected": true,
        })
    };
    let of_chart = |&(chart, first): &(Chart, i64)| {
        let mut object = of(chart.metric, first);
        object["name"] = chart.name().into();
        object["context"] = chart.metric.context().into();
        object["update_every"] = 1.into();
        (chart.id(), object)
    };
    let first = charts.iter().map(|(_, first)| *first).min();
    let mut answer = of(charts[0].0.metric, first.unwrap_or_default());
    answer["charts"] = Value::Object(charts.iter().map(of_chart).collect());
    match version {
        // 1.37 prints it as if it stood in a list of contexts.
        Version::V1_37 => format!("\n\n\t\t{answer:#}"),
        Version::V2_8 | Version::V2_11 => format!("{answer:#}\n"),
    }
}

/// `{"labels":[...],"data":[...]}`.
fn plain(body: &mut String, version: Version, query: &Query, table: &Table<'_>) {
    let (labels, row_start, end) = match version {
        Version::V1_37 => ("{\n \"labels\": [\"time\"", "\n [ ", "\n]\n}"),
        Version::V2_8 | Version::V2_11 => (
            "{\n        \"labels\":[\"time\"",
            "\n            [",
            "\n        ]\n    }",
        ),
    };
    body.push_str(labels);
    for chart in &table.charts {
        write!(body, ",\"{}\"", chart.metric.dimension()).expect("a String takes all");
    }
    body.push_str(match version {
        Version::V1_37 => "],\n    \"data\":\n [",
        Version::V2_8 | Version::V2_11 => "],\n        \"data\":[",
    });
    let rows = table
        .window
        .stamps()
        .zip(table.cells.chunks(table.charts.len()));
    let mut comma = "";
    let mut write_row = |(stamp, row): (i64, &[Cell<'_>])| {
        write!(body, "{comma}{row_start}{stamp}").expect("a String takes all");
        for cell in row {
            body.push(',');
            cell.write(body);
        }
        body.push(']');
        comma = ",";
    };
    if query.has("flip") {
        rows.for_each(&mut write_row);
    } else {
        // Rows are collected to be turned round, since Netdata's order is newest first.
        rows.collect::<Vec<_>>()
            .into_iter()
            .rev()
            .for_each(&mut write_row);
    }
    body.push_str(end);
}

fn wrapped(body: &mut String, node: &SimulatedNode, query: &Query, table: &Table<'_>) {
    let v1 = node.version == Version::V1_37;
    let (indent, colon) = if v1 { ("   ", ": ") } else { ("    ", ":") };
    body.push_str("{\n");
    let mut line = |key: &str, value: &dyn Display| {
        writeln!(body, "{indent}\"{key}\"{colon}{value},").expect("a String takes all");
    };
    let list = |items: &[String]| format!("[{}]", items.join(if v1 { ", " } else { "," }));
    let quoted = |text: &str| format!("\"{text}\"");
    let cells = |cells: &[Cell<'_>]| list(&cells.iter().map(Cell::text).collect::<Vec<_>>());
    let dimensions: Vec<String> = table
        .charts
        .iter()
        .map(|chart| quoted(chart.metric.dimension()))
        .collect();
    let window = table.window;
    let newest_row = &table.cells[table.cells.len() - table.charts.len()..];

    let (id, name) = if query.is_for_one_chart() {
        (table.charts[0].id(), table.charts[0].name())
    } else {
        let id = description(node, query);
        (id.clone(), id)
    };
    line("api", &1);
    line("id", &quoted(&id));
    line("name", &quoted(&name));
    line("view_update_every", &window.group);
    line("update_every", &1);
    line("first_entry", &table.retention.0);
    line("last_entry", &table.retention.1);
    let (after, before) = (("after", window.after), ("before", window.before));
    for (key, value) in if v1 { [before, after] } else { [after, before] } {
        line(key, &value);
    }
    line("group", &quoted("average"));
    let mut options = query.options.clone();
    options.push("virtual-points");
    let options: Vec<String> = options.into_iter().map(str::to_owned).collect();
    let options = if v1 {
        quoted(&options.join(","))
    } else {
        list(
            &options
                .iter()
                .map(|option| quoted(option))
                .collect::<Vec<_>>(),
        )
    };
    line("options", &options);
    line("dimension_names", &list(&dimensions));
    line("dimension_ids", &list(&dimensions));
    line("functions", &"[]");
    if !query.is_for_one_chart() {
        line(
            "chart_ids",
            &list(
                &table
                    .charts
                    .iter()
                    .map(|chart| quoted(&chart.id()))
                    .collect::<Vec<_>>(),
            ),
        );
    }
    line("latest_values", &cells(&table.latest));
    line("view_latest_values", &cells(newest_row));
    line("dimensions", &table.charts.len());
    line("points", &window.points);
    line("format", &quoted("json"));
    // The old agents read samples, the new ones the means of minutes that they keep besides.
    let samples =
        window.points * window.group * i64::try_from(table.charts.len()).unwrap_or_default();
    let per_tier = if v1 {
        format!("[ {samples}, 0, 0 ]")
    } else {
        format!("[0,{},0]", samples / 60)
    };
    line("db_points_per_tier", &per_tier);

    write!(body, "{indent}\"result\"{colon}").expect("a String takes all");
    plain(body, node.version, query, table);
    let readings = || {
        table.cells.iter().filter_map(|cell| {
            if let Cell::Reading(value) = cell {
                Some(*value)
            } else {
                None
            }
        })
    };
    let text = |value: Option<u64>| value.map_or(Cell::Empty, Cell::Reading).text();
    let (min, max) = (text(readings().min()), text(readings().max()));
    if v1 {
        write!(body, ",\n \"min\": {min},\n \"max\": {max}\n}}").expect("a String takes all");
    } else {
        let timings =
            "    \"timings\":{\n        \"prep_ms\":0.039,\n        \"total_ms\":1.512\n    }";
        write!(
            body,
            ",\n    \"min\":{min},\n    \"max\":{max},\n{timings}\n}}\n"
        )
        .expect("a String takes all");
    }
}

/// What an answer for several charts has as its id.
fn description(node: &SimulatedNode, query: &Query) -> String {
    let host = if node.version == Version::V1_37 {
        "host"
    } else {
        "hosts"
    };
    let any = |list: &str| {
        if list.is_empty() {
            "*".to_owned()
        } else {
            list.to_owned()
        }
    };
    let Query {
        context,
        chart,
        after,
        before,
        points,
        options,
        ..
    } = query;
    format!(
        "context://{host}:{}/contexts:{}/instances:{}/dimensions:*/after:{after}/before:{before}/points:{points}\
         /group:average/options:{}",
        node.name,
        any(context),
        any(chart),
        options.join(","),
    )
}

impl Cell<'_> {
    fn write(&self, body: &mut String) {
        match *self {
            Cell::Empty => body.push_str("null"),
            Cell::Reading(value) => readings::write_number(body, value),
            Cell::Raw(text) => body.push_str(text),
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }
}
