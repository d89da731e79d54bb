-- Readings that were taken after the end of their day: bodies that the upstream cached over midnight, and those of
-- models without traffic since then. If such a reading counts more tokens than were known, the closed day gets a newer
-- row. A day on which no run read the endpoint remains a gap: the bodies of idle models alone would be a biased sample.
-- Parameters: the numbers of the first and the last run whose readings are considered.
INSERT INTO endpoint_day
WITH late AS (
    SELECT endpoint_no, CAST(observed_at AS DATE) - usage_day_back AS day, run_no, observed_at, usage_after_s,
        hit_rate, tokens, effective_input, effective_output
    FROM reading JOIN run USING (run_no)
    WHERE run_no BETWEEN $1 AND $2 AND window_kind = 'day_to_date' AND has_usage AND usage_day_back > 0
), known AS (
    SELECT * FROM endpoint_day
    WHERE (endpoint_no, day) IN (SELECT endpoint_no, day FROM late)
    QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY known_at DESC NULLS LAST) = 1
), compared AS (
    SELECT late.*, known.usage_at IS NOT NULL AS has_known,
        greatest(known.tokens, max(late.tokens) OVER earlier) AS most,
        count(*) OVER earlier > 0 AS has_earlier,
        known.uptime_1d, known.success_1d, known.error_1d, known.rate_limited_1d, known.uptime_30m, known.throughput,
        known.latency_ms
    FROM late JOIN known ON known.endpoint_no = late.endpoint_no AND known.day = late.day
    WINDOW earlier AS (PARTITION BY late.endpoint_no, late.day ORDER BY run_no ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT endpoint_no, day, hit_rate, tokens, effective_input, effective_output,
    least(observed_at + to_seconds(usage_after_s), day + INTERVAL 1 DAY),
    uptime_1d, success_1d, error_1d, rate_limited_1d, uptime_30m, throughput, latency_ms, observed_at
FROM compared
WHERE tokens > most OR (most IS NULL AND tokens IS NOT NULL) OR (tokens IS NULL AND NOT has_known AND NOT has_earlier)
ORDER BY day, endpoint_no, run_no
