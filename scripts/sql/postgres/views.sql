-- Put before a question, for PostgreSQL: the names of the schema, exact numbers to round, and holdings with seconds to
-- add up. The views are gone with the session.
-- Run:  psql "$URL" -q -f scripts/sql/postgres/views.sql -f scripts/sql/coverage.sql
SET search_path = daily_gpu_log;

CREATE TEMP VIEW reading AS
SELECT date, node, gpu, card, interval_end, gpu_percent::numeric AS gpu_percent, vram_percent::numeric AS vram_percent
FROM daily_gpu_log.reading;

CREATE TEMP VIEW holding AS
SELECT *, extract(epoch FROM starts)::bigint AS begin_second, extract(epoch FROM ends)::bigint AS end_second
FROM daily_gpu_log.holding;
