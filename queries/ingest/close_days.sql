-- Writes the days that are over before the UTC day of a time and are not written yet, one row an endpoint. A day closes on
-- its last reading of usage that does not fall: counts of a day only grow, so a smaller one is of a stale copy.
-- `queries/analysis/days.sql` reads the days that are not over in the same way. Parameter: the time.
INSERT INTO endpoint_day
WITH last_closed AS (
    SELECT coalesce(max(day), DATE '1970-01-01') AS day FROM endpoint_day
), looked AS (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS day
    FROM run
    WHERE window_kind = 'day_to_date'
      AND CAST(observed_at AS DATE) < CAST(CAST($1 AS TIMESTAMP) AS DATE)
      -- The last run of a closed day may hold the first reading of the next one.
      AND CAST(observed_at AS DATE) >= (SELECT day FROM last_closed)
), health_last AS MATERIALIZED (
    SELECT endpoint_no, day, max(run_no) AS health_run,
        -- Means of whole numbers: their sums are exact, so that the order of threads does not change a bit. A number too
        -- large for that, as older versions stored it, is left out of the mean.
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
      -- What was read after its day was over is added by queries/ingest/late_days.sql.
      AND usage_day_back <= 0
      AND looked.day - usage_day_back > (SELECT day FROM last_closed)
      AND looked.day - usage_day_back < CAST(CAST($1 AS TIMESTAMP) AS DATE)
    GROUP BY endpoint_no, looked.day - usage_day_back
), usage AS (
    -- Everything else is read from the few runs that were the last ones of an endpoint's day.
    SELECT DISTINCT ON (run_no, endpoint_no) run_no, endpoint_no, hit_rate, tokens, effective_input, effective_output,
        usage_after_s
    FROM reading
    WHERE run_no IN (SELECT usage_run FROM usage_last) AND has_usage
), health AS (
    SELECT DISTINCT ON (run_no, endpoint_no) run_no, endpoint_no, uptime_1d, success_1d, error_1d, rate_limited_1d
    FROM reading
    WHERE run_no IN (SELECT health_run FROM health_last)
), last AS (
    -- A day on which no run read the endpoint stays a gap.
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
