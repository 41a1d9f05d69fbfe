CREATE TABLE daily_gpu_log.meta (version integer NOT NULL);
INSERT INTO daily_gpu_log.meta VALUES (0);

CREATE TABLE daily_gpu_log.node_day (
    date date NOT NULL,
    node text NOT NULL,
    shard text NOT NULL,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    until timestamptz NOT NULL,
    interval_seconds integer NOT NULL,
    timezone text NOT NULL,
    readings integer NOT NULL,
    readings_due integer NOT NULL,
    task_information text,
    tasks_as_of timestamptz,
    fingerprint bytea NOT NULL,
    exported_at timestamptz NOT NULL,
    PRIMARY KEY (date, node)
);
COMMENT ON TABLE daily_gpu_log.node_day IS 'Each node of each day';
COMMENT ON COLUMN daily_gpu_log.node_day.date IS 'the day in its time zone, from starts to ends';
COMMENT ON COLUMN daily_gpu_log.node_day.shard IS 'whose tree it is from';
COMMENT ON COLUMN daily_gpu_log.node_day.until IS 'the end of the last interval that was asked for';
COMMENT ON COLUMN daily_gpu_log.node_day.readings IS 'the intervals with a reading of both';
COMMENT ON COLUMN daily_gpu_log.node_day.task_information IS
    'where it is from: known, kept, not_asked or unavailable; NULL where that is not known';
COMMENT ON COLUMN daily_gpu_log.node_day.tasks_as_of IS 'when the management API gave it';
COMMENT ON COLUMN daily_gpu_log.node_day.fingerprint IS 'SHA-256 of what the tree has of it';

CREATE TABLE daily_gpu_log.series (
    date date NOT NULL,
    node text NOT NULL,
    gpu integer NOT NULL,
    card bigint NOT NULL,
    gpu_percent integer[] NOT NULL,
    vram_percent integer[] NOT NULL,
    PRIMARY KEY (date, node, gpu)
);
COMMENT ON TABLE daily_gpu_log.series IS 'Each GPU of each day; the view reading has a row for each interval';
COMMENT ON COLUMN daily_gpu_log.series.gpu_percent IS 'by interval, in 10^-7 percent; NULL is a gap';
COMMENT ON COLUMN daily_gpu_log.series.vram_percent IS 'by interval, in 10^-7 percent; NULL is a gap';

-- Not unique: the management API may list a task twice.
CREATE TABLE daily_gpu_log.holding (
    date date NOT NULL,
    node text NOT NULL,
    gpu integer NOT NULL,
    user_name text NOT NULL,
    task text NOT NULL,
    task_type text,
    project text,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL
);
CREATE INDEX holding_date_node ON daily_gpu_log.holding (date, node);
COMMENT ON TABLE daily_gpu_log.holding IS 'Which task held which GPU, within the day';

CREATE TABLE daily_gpu_log.usage (
    date date NOT NULL,
    node text NOT NULL,
    kind text NOT NULL,
    user_name text,
    gpu integer NOT NULL,
    total_seconds integer NOT NULL,
    active_seconds integer NOT NULL,
    idle_vram_held_seconds integer NOT NULL,
    idle_vram_empty_seconds integer NOT NULL,
    idle_vram_unknown_seconds integer NOT NULL,
    unknown_seconds integer NOT NULL,
    vram_observed_seconds integer NOT NULL,
    gpu_percent double precision,
    vram_percent double precision,
    starts timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    doubts text NOT NULL
);
CREATE INDEX usage_date_node ON daily_gpu_log.usage (date, node);
COMMENT ON TABLE daily_gpu_log.usage IS
    'For how long each user held each GPU of each day, and what it did meanwhile. Users who held it at once have each all of that time';
COMMENT ON COLUMN daily_gpu_log.usage.kind IS 'held by a user, or free: the time in which nobody held it';
COMMENT ON COLUMN daily_gpu_log.usage.user_name IS 'NULL where free';
COMMENT ON COLUMN daily_gpu_log.usage.total_seconds IS 'active, idle and unknown';
COMMENT ON COLUMN daily_gpu_log.usage.idle_vram_held_seconds IS 'idle, with something in the VRAM';
COMMENT ON COLUMN daily_gpu_log.usage.idle_vram_unknown_seconds IS 'idle, without a reading of the VRAM';
COMMENT ON COLUMN daily_gpu_log.usage.unknown_seconds IS 'without a reading of the GPU';
COMMENT ON COLUMN daily_gpu_log.usage.vram_observed_seconds IS 'with a reading of the VRAM';
COMMENT ON COLUMN daily_gpu_log.usage.gpu_percent IS 'the mean in percent over its active and idle seconds';
COMMENT ON COLUMN daily_gpu_log.usage.vram_percent IS 'the mean in percent over vram_observed_seconds';
COMMENT ON COLUMN daily_gpu_log.usage.starts IS 'from here to ends it is known who held what';
COMMENT ON COLUMN daily_gpu_log.usage.doubts IS 'why it may not be the truth, with ; between; empty without doubt';

CREATE TABLE daily_gpu_log.run (
    date date NOT NULL,
    shard text NOT NULL,
    started_at timestamptz NOT NULL,
    duration_seconds double precision NOT NULL,
    exit_status integer NOT NULL,
    version text NOT NULL,
    notices jsonb NOT NULL,
    PRIMARY KEY (date, shard)
);
COMMENT ON TABLE daily_gpu_log.run IS 'The last run that collected the day';
COMMENT ON COLUMN daily_gpu_log.run.notices IS 'what it noticed that is about no single node';

CREATE VIEW daily_gpu_log.reading AS
SELECT series.date, series.node, series.gpu, series.card,
    node_day.starts + slot.number * make_interval(secs => node_day.interval_seconds) AS interval_end,
    slot.gpu_units / 10000000::double precision AS gpu_percent,
    slot.vram_units / 10000000::double precision AS vram_percent
FROM daily_gpu_log.series
JOIN daily_gpu_log.node_day ON node_day.date = series.date AND node_day.node = series.node
CROSS JOIN LATERAL unnest(series.gpu_percent, series.vram_percent)
    WITH ORDINALITY AS slot(gpu_units, vram_units, number);
COMMENT ON VIEW daily_gpu_log.reading IS
    'A row for each interval of each GPU that has a file. Limit it by date: the arrays of all days that are not left out are unpacked';
COMMENT ON COLUMN daily_gpu_log.reading.interval_end IS 'the end of the interval, which is its timestamp in the CSV';
COMMENT ON COLUMN daily_gpu_log.reading.gpu_percent IS 'the mean over the interval in percent; NULL is a gap';
COMMENT ON COLUMN daily_gpu_log.reading.vram_percent IS 'the mean over the interval in percent; NULL is a gap';

CREATE VIEW daily_gpu_log.gpu_day AS
SELECT series.date, series.node, series.gpu, series.card,
    total.gpu_units / (total.gpu_readings * 10000000::double precision) AS gpu_percent,
    total.vram_units / (total.vram_readings * 10000000::double precision) AS vram_percent,
    total.readings, total.intervals AS readings_due
FROM daily_gpu_log.series
CROSS JOIN LATERAL (
    SELECT sum(slot.gpu_units) AS gpu_units, count(slot.gpu_units) AS gpu_readings,
        sum(slot.vram_units) AS vram_units, count(slot.vram_units) AS vram_readings,
        count(slot.gpu_units + slot.vram_units) AS readings, count(*) AS intervals
    FROM unnest(series.gpu_percent, series.vram_percent) AS slot(gpu_units, vram_units)
) AS total;
COMMENT ON VIEW daily_gpu_log.gpu_day IS 'Each GPU of each day that has a file';
COMMENT ON COLUMN daily_gpu_log.gpu_day.gpu_percent IS 'the mean in percent; NULL without readings';
COMMENT ON COLUMN daily_gpu_log.gpu_day.vram_percent IS 'the mean in percent; NULL without readings';
COMMENT ON COLUMN daily_gpu_log.gpu_day.readings IS 'the intervals with a reading of both';

CREATE VIEW daily_gpu_log.usage_by_user_day AS
SELECT date, user_name,
    sum(total_seconds) / 3600::double precision AS gpu_hours,
    sum(active_seconds) / 3600::double precision AS active_hours,
    sum(idle_vram_held_seconds + idle_vram_empty_seconds + idle_vram_unknown_seconds)
        / 3600::double precision AS idle_hours,
    sum(unknown_seconds) / 3600::double precision AS unknown_hours,
    sum(gpu_percent * (total_seconds - unknown_seconds))
        / nullif(sum(total_seconds - unknown_seconds), 0) AS gpu_percent,
    sum(vram_percent * vram_observed_seconds)
        / nullif(sum(vram_observed_seconds), 0) AS vram_percent
FROM daily_gpu_log.usage
WHERE kind = 'held'
GROUP BY date, user_name;
COMMENT ON VIEW daily_gpu_log.usage_by_user_day IS 'What each user held on each day, over all nodes, in GPU-hours';
COMMENT ON COLUMN daily_gpu_log.usage_by_user_day.unknown_hours IS 'held, without a reading of the GPU';
COMMENT ON COLUMN daily_gpu_log.usage_by_user_day.gpu_percent IS 'the mean in percent over the time with a reading';
COMMENT ON COLUMN daily_gpu_log.usage_by_user_day.vram_percent IS 'the mean in percent over the time with a reading';
