-- The output of `export days`: the rows of days.sql, here `days`, with the names that an endpoint had at the end of
-- each day. Parameter: as_of.
WITH named AS MATERIALIZED (
    -- As in days.sql for prices: before the record began, the oldest known name. With the id that `days` has, so that one
    -- equality joins the two: through `endpoint`, DuckDB may compare every day with every name.
    SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, h.provider_name, h.tag,
        CASE WHEN row_number() OVER in_turn = 1 THEN TIMESTAMP '0001-01-01' ELSE h.valid_from END AS since,
        coalesce(lead(h.valid_from) OVER in_turn, TIMESTAMP '9999-12-31') AS until
    FROM endpoint_history h JOIN endpoint e USING (endpoint_no)
    WHERE h.valid_from <= CAST($3 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY h.endpoint_no ORDER BY h.valid_from)
), dated AS (
    SELECT * REPLACE (DATE '1970-01-01' + day AS day) FROM days
)
SELECT d.day, d.endpoint_id, d.model, d.variant, d.provider, n.provider_name, n.tag,
    d.hit_rate, d.basis, d.tokens, d.coverage,
    d.effective_input, d.effective_output,
    d.list_input, d.list_output, d.list_cache_read, d.list_cache_write,
    d.uptime_1d AS uptime,
    make_timestamp(d.last_reading_us) AS last_reading_at
FROM dated d
JOIN named n ON n.endpoint_id = d.endpoint_id
    AND n.since < d.day + INTERVAL 1 DAY AND n.until >= d.day + INTERVAL 1 DAY
ORDER BY d.day, d.model, d.variant, d.endpoint_id
