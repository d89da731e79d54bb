-- Latency and time to first token of successful calls by size of the prompt, by nearest rank.
SELECT
    g,
    size,
    count(latency_ms) AS latencies,
    quantile_disc(latency_ms, 0.5) AS latency_50,
    quantile_disc(latency_ms, 0.95) AS latency_95,
    count(ttft_ms) AS ttfts,
    quantile_disc(ttft_ms, 0.5) AS ttft_50,
    quantile_disc(ttft_ms, 0.95) AS ttft_95
FROM (
    SELECT
        *,
        CASE WHEN prompt < 8000 THEN 0 WHEN prompt < 32000 THEN 1 WHEN prompt < 128000 THEN 2 ELSE 3 END AS size
    FROM scope
    WHERE wanted AND aggregated IS NULL AND NOT is_replay AND status = 'ok' AND prompt IS NOT NULL
        AND coalesce(latency_ms, ttft_ms) IS NOT NULL
)
GROUP BY g, size
