-- The list prices of the endpoints whose list prices moved at least twice from a day on: those that held at its start,
-- and every later row, oldest first, as known at as_of. Parameters: from (a date), as_of.
WITH steps AS (
    SELECT endpoint_no, valid_from, list_input, list_output, list_cache_read, list_cache_write, list_cache_write_1h,
        lead(valid_from) OVER (PARTITION BY endpoint_no ORDER BY valid_from) AS valid_until
    FROM price_history
    WHERE valid_from <= CAST($2 AS TIMESTAMP)
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, CAST(epoch(s.valid_from) AS BIGINT) AS valid_from_s,
    CAST(s.list_input AS DOUBLE) AS list_input, CAST(s.list_output AS DOUBLE) AS list_output,
    CAST(s.list_cache_read AS DOUBLE) AS list_cache_read, CAST(s.list_cache_write AS DOUBLE) AS list_cache_write,
    CAST(s.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h
FROM steps s JOIN endpoint e USING (endpoint_no)
WHERE s.valid_until IS NULL OR s.valid_until > CAST(CAST($1 AS DATE) AS TIMESTAMP)
QUALIFY count(*) OVER (PARTITION BY s.endpoint_no) >= 3
ORDER BY s.endpoint_no, s.valid_from
