//! Which tables the dataset has, and the rows of a node's day in each.

use std::path::Path;

use super::column::{Cell, Cells};
use super::file::{Table, TableFile, Whole};
use crate::model::{CardUsage, Modes, Reading, UnixSeconds, Window};
use crate::sinks::{NodeCopy, SinkError, TreeDay, doubt_words, notices};

pub const READINGS: Table = Table {
    name: "readings",
    columns: "required binary node (STRING);
        required int32 gpu;
        required int64 card;
        required int64 interval_end (TIMESTAMP(MILLIS, true));
        optional double gpu_percent;
        optional double vram_percent;
        required binary shard (STRING);",
    // Of 128 nodes with eight GPUs.
    group_rows: 128 * 8 * 144,
    has_digest: false,
};

pub const HOLDINGS: Table = Table {
    name: "holdings",
    columns: "required binary node (STRING);
        required int32 gpu;
        required binary user_name (STRING);
        required binary task (STRING);
        optional binary task_type (STRING);
        optional binary project (STRING);
        required int64 starts (TIMESTAMP(MILLIS, true));
        required int64 ends (TIMESTAMP(MILLIS, true));
        required binary shard (STRING);",
    group_rows: 16_384,
    has_digest: false,
};

pub const USAGE: Table = Table {
    name: "usage",
    columns: "required binary node (STRING);
        required binary kind (STRING);
        optional binary user_name (STRING);
        required int32 gpu;
        required int64 total_seconds;
        required int64 active_seconds;
        required int64 idle_vram_held_seconds;
        required int64 idle_vram_empty_seconds;
        required int64 idle_vram_unknown_seconds;
        required int64 unknown_seconds;
        required int64 vram_observed_seconds;
        optional double gpu_percent;
        optional double vram_percent;
        required int64 starts (TIMESTAMP(MILLIS, true));
        required int64 ends (TIMESTAMP(MILLIS, true));
        required binary doubts (STRING);
        required binary shard (STRING);",
    group_rows: 16_384,
    has_digest: false,
};

pub const RUNS: Table = Table {
    name: "runs",
    columns: "required int64 started_at (TIMESTAMP(MILLIS, true));
        required double duration_seconds;
        required int32 exit_status;
        required binary version (STRING);
        required binary notices (STRING);
        required binary shard (STRING);",
    group_rows: 1,
    has_digest: false,
};

pub const NODE_DAYS: Table = Table {
    name: "node_days",
    columns: "required binary node (STRING);
        required int64 starts (TIMESTAMP(MILLIS, true));
        required int64 ends (TIMESTAMP(MILLIS, true));
        required int64 until (TIMESTAMP(MILLIS, true));
        required int32 interval_seconds;
        required binary timezone (STRING);
        required int64 readings;
        required int64 readings_due;
        optional binary task_information (STRING);
        optional int64 tasks_as_of (TIMESTAMP(MILLIS, true));
        required binary fingerprint;
        required int64 exported_at (TIMESTAMP(MILLIS, true));
        required binary shard (STRING);",
    group_rows: 16_384,
    has_digest: true,
};

/// In the order in which their files are put in place: the last says what the others have.
pub const ALL: [&Table; 5] = [&READINGS, &HOLDINGS, &USAGE, &RUNS, &NODE_DAYS];

/// The files of a day that is being written.
pub struct DayFiles<'a> {
    window: &'a Window,
    shard: &'a str,
    /// The ends of its intervals.
    stamps: Vec<UnixSeconds>,
    readings: TableFile,
    holdings: TableFile,
    usage: TableFile,
    runs: TableFile,
    node_days: TableFile,
}

impl<'a> DayFiles<'a> {
    pub fn begin(root: &Path, modes: Modes, day: &TreeDay<'a>) -> Result<Self, SinkError> {
        let (window, shard) = (day.window, day.shard);
        let begin = |table: &Table| TableFile::begin(table, root, window.date, shard, modes);
        let mut files = Self {
            window,
            shard,
            stamps: window.stamps().collect(),
            readings: begin(&READINGS)?,
            holdings: begin(&HOLDINGS)?,
            usage: begin(&USAGE)?,
            runs: begin(&RUNS)?,
            node_days: begin(&NODE_DAYS)?,
        };
        if let Some(run) = day.last_run {
            let notices = notices(run);
            files.runs.add([
                Cell::instant(run.started_at),
                Cell::Double(run.duration_seconds),
                Cell::Int(run.exit_status.into()),
                Cell::text(&run.version),
                Cell::text(&notices),
                Cell::text(shard),
            ]);
        }
        Ok(files)
    }

    pub fn add(&mut self, node: &NodeCopy, exported_at: UnixSeconds) -> Result<(), SinkError> {
        self.add_readings(node);
        self.add_holdings(node);
        self.add_usage(node);
        let window = self.window;
        self.node_days.add([
            Cell::text(&node.node),
            Cell::instant(window.start),
            Cell::instant(window.end),
            Cell::instant(node.until),
            Cell::small(window.interval.seconds()),
            Cell::text(window.zone.name()),
            Cell::count(node.coverage.found),
            Cell::count(node.coverage.due),
            Cell::or_null(node.task_source(), Cell::text),
            Cell::or_null(node.tasks_as_of, Cell::instant),
            Cell::Bytes(&node.fingerprint),
            Cell::instant(exported_at),
            Cell::text(self.shard),
        ]);
        let mut files = [
            &mut self.readings,
            &mut self.holdings,
            &mut self.usage,
            &mut self.node_days,
        ];
        files
            .iter_mut()
            .try_for_each(|file| file.write_full_group())
    }

    fn add_readings(&mut self, node: &NodeCopy) {
        for gpu in &node.gpus {
            let Some(CardUsage { gpu: of_gpu, vram }) = &gpu.usage else {
                continue;
            };
            let rows = of_gpu.len();
            let cells = [
                Cells::Same(Cell::text(&node.node)),
                Cells::Same(Cell::small(gpu.index.0)),
                Cells::Same(Cell::count(gpu.card.0)),
                Cells::Instants(&self.stamps[..rows]),
                Cells::Percents(of_gpu),
                Cells::Percents(vram),
                Cells::Same(Cell::text(self.shard)),
            ];
            self.readings.add_rows(rows, cells);
        }
    }

    fn add_holdings(&mut self, node: &NodeCopy) {
        for holding in &node.holdings {
            self.holdings.add([
                Cell::text(&node.node),
                Cell::small(holding.gpu.0),
                Cell::text(&holding.user),
                Cell::text(&holding.task),
                Cell::or_null(holding.task_type.as_deref(), Cell::text),
                Cell::or_null(holding.project.as_deref(), Cell::text),
                Cell::instant(holding.span.from),
                Cell::instant(holding.span.to),
                Cell::text(self.shard),
            ]);
        }
    }

    fn add_usage(&mut self, node: &NodeCopy) {
        let Some(usage) = &node.usage else {
            return;
        };
        let doubts = doubt_words(&usage.doubts);
        for entry in &usage.entries {
            let (user, account) = (entry.user.as_deref(), entry.account);
            self.usage.add([
                Cell::text(&node.node),
                Cell::text(entry.kind()),
                Cell::or_null(user, Cell::text),
                Cell::small(entry.gpu.0),
                Cell::count(account.seconds()),
                Cell::count(account.active),
                Cell::count(account.idle.vram_held),
                Cell::count(account.idle.vram_empty),
                Cell::count(account.idle.vram_unknown),
                Cell::count(account.unknown),
                Cell::count(account.vram.seconds()),
                percent(account.gpu.mean()),
                percent(account.vram.mean()),
                Cell::instant(usage.known.from),
                Cell::instant(usage.known.to),
                Cell::text(&doubts),
                Cell::text(self.shard),
            ]);
        }
    }

    /// Puts all of them in place, once all of them are whole.
    pub fn place(self) -> Result<(), SinkError> {
        let files = [
            self.readings,
            self.holdings,
            self.usage,
            self.runs,
            self.node_days,
        ];
        let whole: Result<Vec<_>, _> = files.into_iter().map(TableFile::end).collect();
        whole?.into_iter().try_for_each(Whole::place)
    }
}

fn percent(reading: Option<Reading>) -> Cell<'static> {
    Cell::or_null(reading, |reading| Cell::Double(reading.percent()))
}
