-- The list prices of standard endpoints that runs up to as_of saw, oldest first, each with the first run that saw them
-- with the end of that run, and with the accepted run before it. Parameter: as_of.
WITH accepted AS (
    SELECT observed_at FROM run WHERE status NOT IN ('failed', 'suspect')
)
SELECT p.endpoint_no, coalesce(accepted.observed_at, p.valid_from) AS after, p.valid_from,
    p.valid_from + to_microseconds(coalesce(run.duration_ms, 0) * 1000) AS known_at,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, p.price_tiers AS price_tiers_json
FROM price_history p
JOIN endpoint USING (endpoint_no)
LEFT JOIN run ON run.observed_at = p.valid_from
ASOF LEFT JOIN accepted ON accepted.observed_at < p.valid_from
WHERE endpoint.variant = 'standard' AND p.valid_from <= CAST($1 AS TIMESTAMP)
ORDER BY p.endpoint_no, p.valid_from
