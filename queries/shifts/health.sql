-- What the change-point method reads of speed and uptime: one row per endpoint and run in [from, to]. Parameters: from,
-- to.
SELECT CAST(r.endpoint_no AS BIGINT) AS endpoint_no, CAST(epoch(run.observed_at) AS BIGINT) AS at_s,
    r.throughput, r.latency_ms, r.uptime_30m
FROM run JOIN reading r USING (run_no)
WHERE run.observed_at >= CAST($1 AS TIMESTAMP) AND run.observed_at <= CAST($2 AS TIMESTAMP)
    AND run.status NOT IN ('failed', 'suspect')
ORDER BY r.endpoint_no, run.observed_at
