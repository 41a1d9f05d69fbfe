-- How busy was each node on each day? The mean of its GPUs' means, as in its average file; a gap is in no mean.
-- Change the two dates. How to run it is in the first lines of views.sql in your engine's folder.
SELECT date, node, round(avg(of_gpu), 2) AS gpu_percent, round(avg(of_vram), 2) AS vram_percent
FROM (
    SELECT date, node, gpu, avg(gpu_percent) AS of_gpu, avg(vram_percent) AS of_vram
    FROM reading
    WHERE date BETWEEN '2025-08-01' AND '2025-08-31'
    GROUP BY date, node, gpu
) AS means
GROUP BY date, node
ORDER BY date, node;
