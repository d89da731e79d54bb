-- The list prices of every endpoint with the times between which they were in force, oldest first.
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, p.valid_from, p.valid_to,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, p.price_tiers
FROM price_history p JOIN endpoint e USING (endpoint_no)
ORDER BY endpoint_id, p.valid_from
