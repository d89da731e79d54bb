-- The output of `export days`: the rows of days.sql, here `days`, with the names that an endpoint had at the end of
-- each day. Parameter: as_of.
WITH named AS (
    -- As in days.sql for prices: before the record began, the oldest known name.
    SELECT endpoint_no, provider_name, tag,
        CASE WHEN row_number() OVER in_turn = 1 THEN TIMESTAMP '0001-01-01' ELSE valid_from END AS since,
        coalesce(lead(valid_from) OVER in_turn, TIMESTAMP '9999-12-31') AS until
    FROM endpoint_history
    WHERE valid_from <= CAST($3 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY valid_from)
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
JOIN endpoint e ON e.endpoint_id = CAST(d.endpoint_id AS UUID)
JOIN named n ON n.endpoint_no = e.endpoint_no
    AND n.since < d.day + INTERVAL 1 DAY AND n.until >= d.day + INTERVAL 1 DAY
ORDER BY d.day, d.model, d.variant, d.endpoint_id
