-- Writes the days that are over before the UTC day of a time and are not written yet, one row an endpoint.
-- `queries/analysis/days.sql` takes the days that are not over from the readings in the same way. Parameter: the time.
INSERT INTO endpoint_day
WITH looked AS (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS day
    FROM run
    WHERE window_kind = 'day_to_date'
      AND CAST(observed_at AS DATE) < CAST(CAST($1 AS TIMESTAMP) AS DATE)
      AND CAST(observed_at AS DATE) > (SELECT coalesce(max(day), DATE '1970-01-01') FROM endpoint_day)
), last AS MATERIALIZED (
    SELECT endpoint_no, day,
        max(run_no) FILTER (WHERE tokens IS NOT NULL) AS usage_run,
        max(run_no) AS health_run,
        -- Means of whole numbers: their sums are exact, so that threads in whatever order come to the same bits.
        -- A number too large for that, as older versions stored it, is left out of the mean.
        avg(TRY_CAST(round(uptime_30m * 1e9) AS BIGINT)) / 1e9 AS uptime_30m,
        avg(TRY_CAST(round(throughput * 1e6) AS BIGINT)) / 1e6 AS throughput,
        avg(TRY_CAST(round(latency_ms * 1e6) AS BIGINT)) / 1e6 AS latency_ms
    FROM reading JOIN looked USING (run_no)
    GROUP BY endpoint_no, day
), usage AS (
    -- Everything else is read from the few runs that were the last ones of an endpoint's day.
    SELECT DISTINCT ON (run_no, endpoint_no) run_no, endpoint_no, hit_rate, tokens, effective_input, effective_output
    FROM reading
    WHERE run_no IN (SELECT usage_run FROM last) AND tokens IS NOT NULL
), health AS (
    SELECT DISTINCT ON (run_no, endpoint_no) run_no, endpoint_no, uptime_1d, success_1d, error_1d, rate_limited_1d
    FROM reading
    WHERE run_no IN (SELECT health_run FROM last)
)
SELECT last.endpoint_no, last.day, u.hit_rate, u.tokens, u.effective_input, u.effective_output, looked.observed_at,
    h.uptime_1d, h.success_1d, h.error_1d, h.rate_limited_1d, last.uptime_30m, last.throughput, last.latency_ms
FROM last
LEFT JOIN usage u ON u.run_no = last.usage_run AND u.endpoint_no = last.endpoint_no
LEFT JOIN looked ON looked.run_no = last.usage_run
LEFT JOIN health h ON h.run_no = last.health_run AND h.endpoint_no = last.endpoint_no
ORDER BY last.day, last.endpoint_no
