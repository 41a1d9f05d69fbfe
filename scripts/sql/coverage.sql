-- Of which nodes are readings missing? The readings of a month that there are, of those due, the worst first.
-- A day that was never collected or exported is not counted: `days` says how many there are.
-- Change the two dates. How to run it is in the first lines of views.sql in your engine's folder.
SELECT node, count(*) AS days, sum(readings) AS found, sum(readings_due) AS due,
    round(100.0 * sum(readings) / nullif(sum(readings_due), 0), 2) AS coverage_percent
FROM node_day
WHERE date BETWEEN '2025-08-01' AND '2025-08-31'
GROUP BY node
ORDER BY coverage_percent, node;
