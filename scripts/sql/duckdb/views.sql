-- Put before a question, for DuckDB: the dataset's files as tables, in which a node's day counts once.
-- A question that meets an export may fail, and is right when it is asked again.
-- Run in the dataset's directory:  cat $SQL/duckdb/views.sql $SQL/coverage.sql | duckdb     ($SQL: where scripts/sql is)
CREATE TEMP VIEW node_day AS
FROM read_parquet('node_days/date=*/*.parquet', hive_partitioning = true, hive_types = {'date': DATE})
QUALIFY row_number() OVER (PARTITION BY date, node ORDER BY exported_at DESC, shard) = 1;

CREATE TEMP VIEW reading AS
FROM read_parquet('readings/date=*/*.parquet', hive_partitioning = true, hive_types = {'date': DATE})
SEMI JOIN node_day USING (date, node, shard);

CREATE TEMP VIEW holding AS
SELECT *, epoch(starts)::BIGINT AS begin_second, epoch(ends)::BIGINT AS end_second
FROM read_parquet('holdings/date=*/*.parquet', hive_partitioning = true, hive_types = {'date': DATE})
SEMI JOIN node_day USING (date, node, shard);

CREATE TEMP VIEW usage AS
FROM read_parquet('usage/date=*/*.parquet', hive_partitioning = true, hive_types = {'date': DATE})
SEMI JOIN node_day USING (date, node, shard);
