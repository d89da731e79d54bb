-- Latency and time to first token of successful calls by size of the prompt, by nearest rank.
SELECT g, size, latencies, latency[1] AS latency_50, latency[2] AS latency_95, ttfts, ttft[1] AS ttft_50, ttft[2] AS ttft_95
FROM (
    SELECT
        g,
        CASE WHEN prompt < 8000 THEN 0 WHEN prompt < 32000 THEN 1 WHEN prompt < 128000 THEN 2 ELSE 3 END AS size,
        count(latency_ms) AS latencies,
        quantile_disc(latency_ms, [0.5, 0.95]) AS latency,
        count(ttft_ms) AS ttfts,
        quantile_disc(ttft_ms, [0.5, 0.95]) AS ttft
    FROM scope
    WHERE wanted AND aggregated IS NULL AND NOT is_replay AND status = 'ok' AND prompt IS NOT NULL
        AND coalesce(latency_ms, ttft_ms) IS NOT NULL
    GROUP BY ALL
)
