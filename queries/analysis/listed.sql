-- The list prices of standard endpoints that runs up to as_of saw, oldest first, each with the first run that saw them
-- and with the end of that run. Parameter: as_of.
SELECT p.endpoint_no, p.valid_from,
    p.valid_from + to_microseconds(coalesce(run.duration_ms, 0) * 1000) AS known_at,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, p.price_tiers AS price_tiers_json
FROM price_history p
JOIN endpoint USING (endpoint_no)
LEFT JOIN run ON run.observed_at = p.valid_from
WHERE endpoint.variant = 'standard' AND p.valid_from <= CAST($1 AS TIMESTAMP)
ORDER BY p.endpoint_no, p.valid_from
