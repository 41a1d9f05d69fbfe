-- How many GPU-hours did each project hold in a month? The hours of `daily-gpu-log users --month 2025-08 --by project`.
-- A second of several tasks of one user on one GPU counts once, for the task that began first. Two things differ: of
-- tasks that all began before the month, or in the same second, that with the lower name counts as the first; and a day
-- whose tasks are not kept or do not fit the usage report, which the command calls unknown, is not here or as they say.
-- Change the two dates. How to run it is in the first lines of views.sql in your engine's folder.
WITH task_day AS (
    SELECT date, node, gpu, user_name, task, project, begin_second, end_second,
        min(begin_second) OVER (PARTITION BY node, task) AS first_second
    FROM holding
    WHERE date BETWEEN '2025-08-01' AND '2025-08-31'
), held AS (
    SELECT project, begin_second, end_second,
        max(end_second) OVER (
            PARTITION BY date, node, gpu, user_name ORDER BY first_second, task
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS until_second
    FROM task_day
)
SELECT project, round(sum(
    CASE
        WHEN until_second >= end_second THEN 0
        WHEN until_second > begin_second THEN end_second - until_second
        ELSE end_second - begin_second
    END) / 3600.0, 4) AS hours
FROM held
GROUP BY project
ORDER BY hours DESC, project;
