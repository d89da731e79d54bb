-- Closes the days before the UTC day of a time that are not closed yet, with one row per endpoint. A day closes on its
-- last usage reading that does not decrease: counts of a day only grow, so a smaller one comes from a stale copy.
-- `queries/analysis/days.sql` reads the open days in the same way. Parameter: the time.
INSERT INTO endpoint_day
WITH last_closed AS (
    SELECT coalesce(max(day), DATE '1970-01-01') AS day FROM endpoint_day
), looked AS (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS day
    FROM run
    WHERE window_kind = 'day_to_date'
      AND CAST(observed_at AS DATE) < CAST(CAST($1 AS TIMESTAMP) AS DATE)
      -- The last run of a closed day may contain the first reading of the next day.
      AND CAST(observed_at AS DATE) >= (SELECT day FROM last_closed)
), health_last AS MATERIALIZED (
    SELECT endpoint_no, day, max(run_no) AS health_run,
        -- Means of integers: their sums are exact, so the result does not depend on the order of threads. A number too
        -- large for that, as stored by older versions, is excluded from the mean.
        avg(TRY_CAST(round(uptime_30m * 1e9) AS BIGINT)) / 1e9 AS uptime_30m,
        avg(TRY_CAST(round(throughput * 1e6) AS BIGINT)) / 1e6 AS throughput,
        avg(TRY_CAST(round(latency_ms * 1e6) AS BIGINT)) / 1e6 AS latency_ms
    FROM reading JOIN looked USING (run_no)
    WHERE day > (SELECT day FROM last_closed)
    GROUP BY endpoint_no, day
), usage_last AS MATERIALIZED (
    SELECT endpoint_no, looked.day - usage_day_back AS day,
        max_by(run_no, struct_pack(tokens := coalesce(tokens, -1), run_no := run_no)) AS usage_run
    FROM reading JOIN looked USING (run_no)
    WHERE has_usage
      -- queries/ingest/late_days.sql adds the readings that were taken after the end of their day.
      AND usage_day_back <= 0
      AND looked.day - usage_day_back > (SELECT day FROM last_closed)
      AND looked.day - usage_day_back < CAST(CAST($1 AS TIMESTAMP) AS DATE)
    GROUP BY endpoint_no, looked.day - usage_day_back
), usage AS (
    -- Everything else is read from the last run of each endpoint's day; these runs are few.
    SELECT DISTINCT ON (run_no, endpoint_no) run_no, endpoint_no, hit_rate, tokens, effective_input, effective_output,
        usage_after_s
    FROM reading
    WHERE run_no IN (SELECT usage_run FROM usage_last) AND has_usage
), health AS (
    SELECT DISTINCT ON (run_no, endpoint_no) run_no, endpoint_no, uptime_1d, success_1d, error_1d, rate_limited_1d
    FROM reading
    WHERE run_no IN (SELECT health_run FROM health_last)
), last AS (
    -- A day on which no run read the endpoint remains a gap.
    SELECT a.endpoint_no, a.day, b.usage_run, a.health_run, a.uptime_30m, a.throughput, a.latency_ms
    FROM health_last a LEFT JOIN usage_last b ON b.endpoint_no = a.endpoint_no AND b.day = a.day
)
SELECT last.endpoint_no, last.day, u.hit_rate, u.tokens, u.effective_input, u.effective_output,
    CASE WHEN last.usage_run IS NOT NULL
         THEN least(looked.observed_at + to_seconds(u.usage_after_s), last.day + INTERVAL 1 DAY) END,
    h.uptime_1d, h.success_1d, h.error_1d, h.rate_limited_1d, last.uptime_30m, last.throughput, last.latency_ms, NULL
FROM last
LEFT JOIN usage u ON u.run_no = last.usage_run AND u.endpoint_no = last.endpoint_no
LEFT JOIN looked ON looked.run_no = last.usage_run
LEFT JOIN health h ON h.run_no = last.health_run AND h.endpoint_no = last.endpoint_no
ORDER BY last.day, last.endpoint_no
