-- One row per endpoint and UTC day in [from, to], as known at as_of. Parameters: from, to (dates), as_of.
-- The hit rate is the closing value of the comparison series if there is one, otherwise that of the last day-to-date
-- reading with usage, otherwise it is derived from the closing price. `basis` names the source. `coverage` is the share
-- of the day that the last reading (and thus its tokens) covers.
-- The parameters are used directly in the comparisons: joined as a row, they would keep DuckDB from pruning.
WITH closed_until AS MATERIALIZED (
    SELECT coalesce(max(day), DATE '1970-01-01') AS day FROM endpoint_day
), rolled_until AS MATERIALIZED (
    SELECT coalesce(max(last_day), DATE '1970-01-01') AS day FROM rollup
), looked AS MATERIALIZED (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS day
    FROM run
    WHERE window_kind = 'day_to_date' AND observed_at <= CAST($3 AS TIMESTAMP)
      -- The last run of a day may contain the first reading of the next day.
      AND CAST(observed_at AS DATE) BETWEEN CAST($1 AS DATE) - 1 AND CAST($2 AS DATE)
      -- Closed days are in endpoint_day; the day of as_of is read as it was known then.
      AND (CAST(observed_at AS DATE) >= CAST(CAST($3 AS TIMESTAMP) AS DATE) - 1
        OR CAST(observed_at AS DATE) >= (SELECT day FROM closed_until))
), open_health AS (
    SELECT endpoint_no, day,
        max_by(struct_pack(u := uptime_1d, s := success_1d, e := error_1d, r := rate_limited_1d), observed_at) AS health,
        -- Means of integers: their sums are exact, so the result does not depend on the order of threads. A number too
        -- large for that, as stored by older versions, is excluded from the mean.
        avg(TRY_CAST(round(uptime_30m * 1e9) AS BIGINT)) / 1e9 AS uptime_30m,
        avg(TRY_CAST(round(throughput * 1e6) AS BIGINT)) / 1e6 AS throughput,
        avg(TRY_CAST(round(latency_ms * 1e6) AS BIGINT)) / 1e6 AS latency_ms
    FROM reading JOIN looked USING (run_no)
    WHERE day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
      AND (day = CAST(CAST($3 AS TIMESTAMP) AS DATE) OR day > (SELECT day FROM closed_until))
      AND day > (SELECT day FROM rolled_until)
    GROUP BY endpoint_no, day
), open_usage AS (
    -- A day closes on its last reading that does not fall, as in queries/ingest/close_days.sql.
    SELECT endpoint_no, looked.day - usage_day_back AS usage_day,
        max_by(struct_pack(h := hit_rate, t := tokens, i := effective_input, o := effective_output,
                at := least(observed_at + to_seconds(usage_after_s), looked.day - usage_day_back + INTERVAL 1 DAY)),
            struct_pack(tokens := coalesce(tokens, -1), run_no := run_no)) AS usage
    FROM reading JOIN looked USING (run_no)
    WHERE has_usage
      AND looked.day - usage_day_back BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
      AND (looked.day - usage_day_back = CAST(CAST($3 AS TIMESTAMP) AS DATE)
        OR looked.day - usage_day_back > (SELECT day FROM closed_until))
      AND looked.day - usage_day_back > (SELECT day FROM rolled_until)
    GROUP BY endpoint_no, looked.day - usage_day_back
), observed AS (
    -- A day on which no run read the endpoint remains a gap.
    SELECT h.endpoint_no, h.day, u.usage, h.health, h.uptime_30m, h.throughput, h.latency_ms
    FROM open_health h LEFT JOIN open_usage u ON u.endpoint_no = h.endpoint_no AND u.usage_day = h.day
    UNION ALL
    SELECT endpoint_no, day,
        CASE WHEN usage_at IS NOT NULL THEN struct_pack(h := hit_rate, t := tokens, i := effective_input,
            o := effective_output, at := usage_at) END,
        struct_pack(u := uptime_1d, s := success_1d, e := error_1d, r := rate_limited_1d),
        uptime_30m, throughput, latency_ms
    FROM (
        SELECT * FROM endpoint_day
        WHERE day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
          -- The day of as_of, if its readings are rolled up, is as it was known at its end.
          AND (day < CAST(CAST($3 AS TIMESTAMP) AS DATE)
            OR (day = CAST(CAST($3 AS TIMESTAMP) AS DATE) AND day <= (SELECT day FROM rolled_until)))
          AND (known_at IS NULL OR known_at <= CAST($3 AS TIMESTAMP))
        QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY known_at DESC NULLS LAST) = 1
    )
), closing AS (
    SELECT c.endpoint_no, c.day, c.effective_input, c.effective_output
    FROM closing_price c JOIN run USING (run_no)
    WHERE run.observed_at <= CAST($3 AS TIMESTAMP) AND c.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
    QUALIFY row_number() OVER (PARTITION BY c.endpoint_no, c.day ORDER BY c.run_no DESC) = 1
), rates AS (
    SELECT c.endpoint_no, c.day, c.hit_rate
    FROM closing_rate c JOIN run USING (run_no)
    WHERE run.observed_at <= CAST($3 AS TIMESTAMP) AND c.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
    QUALIFY row_number() OVER (PARTITION BY c.endpoint_no, c.day ORDER BY c.run_no DESC) = 1
), both_ AS (
    SELECT coalesce(o.endpoint_no, c.endpoint_no, r.endpoint_no) AS endpoint_no, coalesce(o.day, c.day, r.day) AS day,
        o.usage, o.health, o.uptime_30m, o.throughput, o.latency_ms,
        c.effective_input AS closing_input, c.effective_output AS closing_output, r.hit_rate AS closing_rate
    FROM observed o
    FULL JOIN closing c ON c.endpoint_no = o.endpoint_no AND c.day = o.day
    FULL JOIN rates r ON r.endpoint_no = coalesce(o.endpoint_no, c.endpoint_no) AND r.day = coalesce(o.day, c.day)
), priced AS (
    -- List prices with the days at whose end they were in force; before the record began, the oldest known price.
    SELECT endpoint_no, list_input, list_output, list_cache_read, list_cache_write, list_cache_write_1h, price_tiers,
        CASE WHEN row_number() OVER in_turn = 1 THEN TIMESTAMP '0001-01-01' ELSE valid_from END AS since,
        coalesce(lead(valid_from) OVER in_turn, TIMESTAMP '9999-12-31') AS until
    FROM price_history
    WHERE valid_from <= CAST($3 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY valid_from)
), moved AS (
    -- Days within which the list price of a prompt token moved by more than a rounding: they are billed at both prices.
    SELECT DISTINCT endpoint_no, CAST(since AS DATE) AS day
    FROM (
        SELECT endpoint_no, since, list_input, list_cache_read,
            lag(list_input) OVER in_turn AS input_before, lag(list_cache_read) OVER in_turn AS read_before
        FROM priced
        WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY since)
    )
    WHERE since > TIMESTAMP '0001-01-01'
      AND (coalesce(abs(CAST(list_input - input_before AS DOUBLE)) > 0.001 * CAST(input_before AS DOUBLE),
            list_input IS DISTINCT FROM input_before)
        OR coalesce(abs(CAST(list_cache_read - read_before AS DOUBLE)) > 0.001 * CAST(read_before AS DOUBLE),
            list_cache_read IS DISTINCT FROM read_before))
), named AS (
    SELECT h.endpoint_no, h.provider
    FROM endpoint_history h
    WHERE h.valid_from <= CAST($3 AS TIMESTAMP)
    QUALIFY row_number() OVER (PARTITION BY h.endpoint_no ORDER BY h.valid_from DESC) = 1
), placed AS (
    -- One sort key instead of three texts.
    SELECT endpoint_no, CAST(endpoint_id AS VARCHAR) AS endpoint_id, model, variant,
        row_number() OVER (ORDER BY model, variant, CAST(endpoint_id AS VARCHAR)) AS place
    FROM endpoint
), numbers AS (
    SELECT b.endpoint_no, b.day, b.usage, b.closing_rate, b.health, b.uptime_30m, b.throughput, b.latency_ms,
        CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
        CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
        CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, p.price_tiers,
        coalesce(b.closing_input, b.usage.i) AS effective_input,
        coalesce(b.closing_output, b.usage.o) AS effective_output,
        -- The price that belongs to the rate: both are closing values, or both are of one reading.
        CASE WHEN b.closing_rate IS NOT NULL THEN b.closing_input ELSE b.usage.i END AS paid_input,
        m.day IS NOT NULL AS list_moved
    FROM both_ b
    LEFT JOIN moved m ON m.endpoint_no = b.endpoint_no AND m.day = b.day
    LEFT JOIN priced p ON p.endpoint_no = b.endpoint_no
        AND p.since < b.day + INTERVAL 1 DAY AND p.until >= b.day + INTERVAL 1 DAY
), derived AS (
    -- p_eff = (1 - h) p_in + h p_read, inverted; only where writes are free and no conditional price applies.
    SELECT *,
        CASE WHEN usage IS NULL AND closing_rate IS NULL AND list_input > 0 AND list_cache_read < 0.95 * list_input
              AND list_cache_write IS NULL AND price_tiers = '[]'
             THEN (list_input - effective_input) / (list_input - list_cache_read) END AS inverted
    FROM numbers
), rated AS (
    SELECT *,
        CASE WHEN closing_rate IS NOT NULL THEN closing_rate
             WHEN usage IS NOT NULL THEN usage.h
             WHEN inverted BETWEEN -0.01 AND 1.01 THEN greatest(0.0, least(1.0, inverted)) END AS hit_rate,
        CASE WHEN closing_rate IS NOT NULL THEN 'comparison'
             WHEN usage.h IS NOT NULL THEN 'observed'
             WHEN usage IS NULL AND inverted BETWEEN -0.01 AND 1.01 THEN 'derived' END AS basis
    FROM derived
)
SELECT e.endpoint_id, e.model, e.variant, n.provider,
    CAST(d.day - DATE '1970-01-01' AS INTEGER) AS day,
    d.hit_rate, d.basis,
    d.usage IS NULL AND d.closing_rate IS NULL AS derived,
    d.usage.t AS tokens,
    d.effective_input, d.effective_output,
    d.list_input, d.list_output, d.list_cache_read, d.list_cache_write,
    coalesce(d.list_cache_write > 0, false) AS billed_writes,
    coalesce(d.price_tiers, '[]') <> '[]' AS price_tiers,
    coalesce(d.health.u, d.uptime_30m) AS uptime_1d,
    CASE WHEN d.health.s + d.health.e + d.health.r > 0
         THEN d.health.s / (d.health.s + d.health.e + d.health.r) END AS availability_1d,
    d.throughput, d.latency_ms,
    CASE WHEN d.usage IS NOT NULL THEN date_diff('second', CAST(d.day AS TIMESTAMP), d.usage.at) / 86400.0 END AS coverage,
    epoch_us(d.usage.at) AS last_reading_us,
    d.list_cache_write_1h,
    d.paid_input, d.list_moved
FROM rated d JOIN placed e USING (endpoint_no) JOIN named n USING (endpoint_no)
WHERE d.usage IS NOT NULL OR d.closing_rate IS NOT NULL OR d.effective_input IS NOT NULL OR d.health IS NOT NULL
ORDER BY e.place, d.day
