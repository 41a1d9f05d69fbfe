-- Put before a question, for Spark: the dataset's files as tables, in which a node's day counts once.
-- Run in the dataset's directory:  spark-sql -i $SQL/spark/views.sql -f $SQL/coverage.sql     ($SQL: where scripts/sql is)
CREATE TEMPORARY VIEW node_day AS
SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY date, node ORDER BY exported_at DESC, shard) AS newest
    FROM parquet.`node_days`
) WHERE newest = 1;

CREATE TEMPORARY VIEW reading AS
SELECT r.* FROM parquet.`readings` r LEFT SEMI JOIN node_day USING (date, node, shard);

CREATE TEMPORARY VIEW holding AS
SELECT h.*, unix_timestamp(starts) AS begin_second, unix_timestamp(ends) AS end_second
FROM parquet.`holdings` h LEFT SEMI JOIN node_day USING (date, node, shard);

CREATE TEMPORARY VIEW usage AS
SELECT u.* FROM parquet.`usage` u LEFT SEMI JOIN node_day USING (date, node, shard);
