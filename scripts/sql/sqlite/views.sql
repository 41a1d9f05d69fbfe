-- Put before a question, for SQLite: readings with their date, times as text on this machine's clocks, and holdings
-- with seconds to add up. The views are gone with the session.
-- Run:  cat scripts/sql/sqlite/views.sql scripts/sql/coverage.sql | sqlite3 -readonly -box data/gpu.sqlite
CREATE TEMP VIEW reading AS
SELECT d.date, d.node, r.gpu, r.card, datetime(r.interval_end, 'unixepoch', 'localtime') AS interval_end,
    r.gpu_percent, r.vram_percent
FROM main.node_day AS d
JOIN main.reading AS r ON r.node = d.node AND r.interval_end > d.starts AND r.interval_end <= d.ends;

CREATE TEMP VIEW holding AS SELECT *, starts AS begin_second, ends AS end_second FROM main.holding;
