-- Which ten users left the most GPU-hours idle in a month? The hours of `daily-gpu-log users --month 2025-08`.
-- Change the two dates. How to run it is in the first lines of views.sql in your engine's folder.
SELECT user_name,
    round(sum(total_seconds) / 3600.0, 4) AS held_hours,
    round(sum(active_seconds) / 3600.0, 4) AS active_hours,
    round(sum(idle_vram_held_seconds + idle_vram_empty_seconds + idle_vram_unknown_seconds) / 3600.0, 4) AS idle_hours,
    round(sum(unknown_seconds) / 3600.0, 4) AS unknown_hours
FROM usage
WHERE kind = 'held' AND date BETWEEN '2025-08-01' AND '2025-08-31'
GROUP BY user_name
ORDER BY sum(idle_vram_held_seconds + idle_vram_empty_seconds + idle_vram_unknown_seconds) DESC, user_name
LIMIT 10;
