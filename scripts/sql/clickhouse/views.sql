-- Put before a question, for ClickHouse: the dataset's files as tables, in which a node's day counts once.
-- Run in the dataset's directory:  cat $SQL/clickhouse/views.sql $SQL/coverage.sql | clickhouse local
-- ($SQL: where scripts/sql is). With a server the dataset lies in its user_files.
CREATE VIEW node_day AS
SELECT * FROM file('node_days/date=*/*.parquet') ORDER BY exported_at DESC, shard LIMIT 1 BY date, node;

CREATE VIEW reading AS
SELECT * FROM file('readings/date=*/*.parquet')
WHERE (date, node, shard) IN (SELECT date, node, shard FROM node_day);

CREATE VIEW holding AS
SELECT *, toUnixTimestamp(starts) AS begin_second, toUnixTimestamp(ends) AS end_second
FROM file('holdings/date=*/*.parquet')
WHERE (date, node, shard) IN (SELECT date, node, shard FROM node_day);

CREATE VIEW usage AS
SELECT * FROM file('usage/date=*/*.parquet')
WHERE (date, node, shard) IN (SELECT date, node, shard FROM node_day);
