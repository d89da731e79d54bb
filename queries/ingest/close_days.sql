-- Writes the days that are over before the UTC day of a time and are not written yet, one row an endpoint.
-- `queries/analysis/days.sql` takes the days that are not over from the readings in the same way. Parameter: the time.
INSERT INTO endpoint_day
WITH looked AS (
    SELECT run_no, observed_at, CAST(observed_at AS DATE) AS day
    FROM run
    WHERE window_kind = 'day_to_date'
      AND CAST(observed_at AS DATE) < CAST(CAST($1 AS TIMESTAMP) AS DATE)
      AND CAST(observed_at AS DATE) > (SELECT coalesce(max(day), DATE '1970-01-01') FROM endpoint_day)
), observed AS (
    SELECT endpoint_no, day,
        max_by(struct_pack(h := hit_rate, t := tokens, i := effective_input, o := effective_output, at := observed_at),
            observed_at) FILTER (WHERE tokens IS NOT NULL) AS usage,
        max_by(struct_pack(u := uptime_1d, s := success_1d, e := error_1d, r := rate_limited_1d), observed_at) AS health,
        avg(uptime_30m) AS uptime_30m,
        avg(throughput) AS throughput,
        avg(latency_ms) AS latency_ms
    FROM reading JOIN looked USING (run_no)
    GROUP BY endpoint_no, day
)
SELECT endpoint_no, day, usage.h, usage.t, usage.i, usage.o, usage.at, health.u, health.s, health.e, health.r,
    uptime_30m, throughput, latency_ms
FROM observed
ORDER BY day, endpoint_no
