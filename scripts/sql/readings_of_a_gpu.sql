-- What did one GPU do on a day? Its readings, each with the end of its interval; a gap is empty.
-- Change the date, the node and the GPU. How to run it is in the first lines of views.sql in your engine's folder.
SELECT interval_end, gpu_percent, vram_percent
FROM reading
WHERE date = '2025-08-01' AND node = 'colab-gpu4' AND gpu = 3
ORDER BY interval_end;
