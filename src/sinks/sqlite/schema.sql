-- Times are seconds since the epoch, dates are text: datetime(interval_end, 'unixepoch', 'localtime').
CREATE TABLE node_day (
    date TEXT NOT NULL,
    node TEXT NOT NULL,
    shard TEXT NOT NULL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    until INTEGER NOT NULL,
    interval_seconds INTEGER NOT NULL,
    timezone TEXT NOT NULL,
    readings INTEGER NOT NULL,
    readings_due INTEGER NOT NULL,
    task_information TEXT,
    tasks_as_of INTEGER,
    fingerprint BLOB NOT NULL,
    exported_at INTEGER NOT NULL,
    PRIMARY KEY (date, node)
) WITHOUT ROWID;
CREATE TABLE node (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);
-- Ten million units are a percent: whole numbers are exact, and half as long as a REAL.
CREATE TABLE reading_units (
    node_id INTEGER NOT NULL,
    interval_end INTEGER NOT NULL,
    gpu INTEGER NOT NULL,
    card INTEGER NOT NULL,
    gpu_units INTEGER,
    vram_units INTEGER,
    PRIMARY KEY (node_id, interval_end, gpu)
) WITHOUT ROWID;
-- A reading is the mean over the interval that ends at interval_end; NULL is a gap.
CREATE VIEW reading AS
SELECT
    node.name AS node,
    gpu,
    card,
    interval_end,
    CAST(gpu_units / 1e7 AS REAL) AS gpu_percent,
    CAST(vram_units / 1e7 AS REAL) AS vram_percent
FROM reading_units
JOIN node ON node.id = node_id;
CREATE TABLE holding (
    date TEXT NOT NULL,
    node TEXT NOT NULL,
    gpu INTEGER NOT NULL,
    user_name TEXT NOT NULL,
    task TEXT NOT NULL,
    task_type TEXT,
    project TEXT,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL
);
CREATE INDEX holding_of_day ON holding (date, node);
CREATE TABLE usage (
    date TEXT NOT NULL,
    node TEXT NOT NULL,
    kind TEXT NOT NULL,
    user_name TEXT,
    gpu INTEGER NOT NULL,
    total_seconds INTEGER NOT NULL,
    active_seconds INTEGER NOT NULL,
    idle_vram_held_seconds INTEGER NOT NULL,
    idle_vram_empty_seconds INTEGER NOT NULL,
    idle_vram_unknown_seconds INTEGER NOT NULL,
    unknown_seconds INTEGER NOT NULL,
    vram_observed_seconds INTEGER NOT NULL,
    gpu_percent REAL,
    vram_percent REAL,
    starts INTEGER NOT NULL,
    ends INTEGER NOT NULL,
    doubts TEXT NOT NULL
);
CREATE INDEX usage_of_day ON usage (date, node);
CREATE TABLE run (
    date TEXT NOT NULL,
    shard TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    duration_seconds REAL NOT NULL,
    exit_status INTEGER NOT NULL,
    version TEXT NOT NULL,
    notices TEXT NOT NULL,
    PRIMARY KEY (date, shard)
) WITHOUT ROWID;
-- Means are weighted by the seconds that have readings.
CREATE VIEW usage_by_user_day AS
SELECT
    date,
    user_name,
    sum(total_seconds) / 3600.0 AS gpu_hours,
    sum(active_seconds) / 3600.0 AS active_hours,
    sum(idle_vram_held_seconds + idle_vram_empty_seconds + idle_vram_unknown_seconds) / 3600.0 AS idle_hours,
    sum(unknown_seconds) / 3600.0 AS unknown_hours,
    sum(gpu_percent * (total_seconds - unknown_seconds)) / nullif(sum(total_seconds - unknown_seconds), 0) AS gpu_percent,
    sum(vram_percent * vram_observed_seconds) / nullif(sum(vram_observed_seconds), 0) AS vram_percent
FROM usage
WHERE kind = 'held'
GROUP BY date, user_name;
CREATE VIEW gpu_day AS
SELECT
    d.date,
    d.node,
    r.gpu,
    r.card,
    avg(r.gpu_percent) AS gpu_percent,
    avg(r.vram_percent) AS vram_percent,
    count(r.gpu_percent + r.vram_percent) AS readings,
    count(*) AS readings_due
FROM node_day AS d
JOIN reading AS r ON r.node = d.node AND r.interval_end > d.starts AND r.interval_end <= d.ends
GROUP BY d.date, d.node, r.gpu, r.card;
-- Says that the file is a copy of this program: "dgpl", as a number.
PRAGMA application_id = 1684500588;
PRAGMA user_version = 2;
