-- When a list price of prompt tokens moved, in [from, to]. What counts as a move is the same as in
-- `queries/analysis/newest.sql`. Parameters: from, to.
SELECT CAST(endpoint_no AS BIGINT) AS endpoint_no, epoch_us(valid_from) AS at
FROM (
    SELECT endpoint_no, valid_from, list_input, list_cache_read,
        lag(valid_from) OVER in_turn AS last_from,
        lag(list_input) OVER in_turn AS last_input,
        lag(list_cache_read) OVER in_turn AS last_cache_read
    FROM price_history
    WHERE valid_from <= CAST($2 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY valid_from)
)
WHERE last_from IS NOT NULL AND valid_from >= CAST($1 AS TIMESTAMP)
    AND (coalesce(abs(CAST(list_input - last_input AS DOUBLE)) > 0.001 * CAST(last_input AS DOUBLE),
            list_input IS DISTINCT FROM last_input)
        OR coalesce(abs(CAST(list_cache_read - last_cache_read AS DOUBLE)) > 0.001 * CAST(last_cache_read AS DOUBLE),
            list_cache_read IS DISTINCT FROM last_cache_read))
ORDER BY endpoint_no, valid_from
