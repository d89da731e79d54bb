-- One row per state of the list prices of an endpoint.
-- time: valid_from
-- endpoint_id | UUID | id of the endpoint, as text
-- model | | canonical slug of the model
-- variant | | variant of the model
-- list_input | USD per million tokens | prompt tokens
-- list_output | USD per million tokens | completion tokens
-- list_cache_read | USD per million tokens | prompt tokens read from the cache
-- list_cache_write | USD per million tokens | prompt tokens written to the cache
-- list_cache_write_1h | USD per million tokens | prompt tokens written to the cache and kept for an hour
-- discount | fraction | already deducted from the prices
-- price_tiers | JSON | list of conditional prices; `[]` if there are none
-- valid_from | UTC | first run that saw these prices
-- valid_to | UTC | first run that no longer saw them; null: still valid
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, p.discount, p.price_tiers, p.valid_from, p.valid_to
FROM price_history p JOIN endpoint e USING (endpoint_no)
WHERE p.valid_from >= CAST($1 AS TIMESTAMP) AND p.valid_from < CAST($2 AS TIMESTAMP)
ORDER BY p.valid_from, e.model, e.variant, endpoint_id
