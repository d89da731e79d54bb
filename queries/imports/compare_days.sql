-- Each value of a day beside that of the record and that of an earlier import. A whole day is compared with the closing
-- values of the record; a day up to a time with the last reading of the record, if it was read within 10 minutes.
INSERT INTO compared
WITH mine AS (
    SELECT s.*, w.who, w.endpoint_no, coalesce(epoch_us(s.read_at) // 600000000, -1) AS period
    FROM stage_imported_day s JOIN imported_who w USING (imported_no)
), before_ AS (
    SELECT -1 AS place, w.who, d.day, coalesce(epoch_us(d.read_at) // 600000000, -1) AS period, d.source_no,
        d.hit_rate, d.tokens, d.effective_input, d.effective_output, d.uptime, d.throughput, d.latency_ms
    FROM imported_day d JOIN imported_who w USING (imported_no)
    UNION ALL
    SELECT place, who, day, period, 2147483647, hit_rate, tokens, effective_input, effective_output, uptime, throughput,
        latency_ms
    FROM mine
), firsts AS (
    -- The first source that has a value counts.
    SELECT who, day, period,
        arg_min(hit_rate, (source_no, place)) AS hit_rate, arg_min(tokens, (source_no, place)) AS tokens,
        arg_min(effective_input, (source_no, place)) AS effective_input,
        arg_min(effective_output, (source_no, place)) AS effective_output,
        arg_min(uptime, (source_no, place)) AS uptime, arg_min(throughput, (source_no, place)) AS throughput,
        arg_min(latency_ms, (source_no, place)) AS latency_ms,
        min((source_no, place)) FILTER (WHERE hit_rate IS NOT NULL) AS hit_rate_at,
        min((source_no, place)) FILTER (WHERE tokens IS NOT NULL) AS tokens_at,
        min((source_no, place)) FILTER (WHERE effective_input IS NOT NULL) AS effective_input_at,
        min((source_no, place)) FILTER (WHERE effective_output IS NOT NULL) AS effective_output_at,
        min((source_no, place)) FILTER (WHERE uptime IS NOT NULL) AS uptime_at,
        min((source_no, place)) FILTER (WHERE throughput IS NOT NULL) AS throughput_at,
        min((source_no, place)) FILTER (WHERE latency_ms IS NOT NULL) AS latency_ms_at
    FROM before_ GROUP BY who, day, period
), rates AS (
    SELECT endpoint_no, day, arg_max(hit_rate, run_no) AS hit_rate FROM closing_rate GROUP BY ALL
), prices AS (
    SELECT endpoint_no, day, arg_max(effective_input, run_no) AS effective_input,
        arg_max(effective_output, run_no) AS effective_output
    FROM closing_price GROUP BY ALL
), days AS (
    SELECT * FROM endpoint_day
    QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY known_at DESC NULLS LAST) = 1
), paired AS (
    SELECT m.*, f.* EXCLUDE (who, day, period) RENAME (hit_rate AS old_rate, tokens AS old_tokens,
            effective_input AS old_input, effective_output AS old_output, uptime AS old_uptime,
            throughput AS old_throughput, latency_ms AS old_latency),
        (2147483647, m.place) AS me,
        m.read_at IS NOT NULL AND abs(epoch(d.usage_at) - epoch(m.read_at)) <= 600 AS is_same_reading,
        m.read_at IS NULL AND d.usage_at >= m.day + INTERVAL 23 HOUR AS is_late_reading,
        r.hit_rate AS closing_rate, p.effective_input AS closing_input, p.effective_output AS closing_output,
        d.hit_rate AS read_rate, d.tokens AS read_tokens, d.effective_input AS read_input,
        d.effective_output AS read_output, d.endpoint_no IS NOT NULL AS has_day,
        d.usage_at IS NOT NULL AS has_usage, d.throughput IS NOT NULL AS has_throughput,
        d.latency_ms IS NOT NULL AS has_latency, coalesce(d.uptime_1d, d.uptime_30m) IS NOT NULL AS has_uptime
    FROM mine m
    JOIN firsts f USING (who, day, period)
    LEFT JOIN rates r ON r.endpoint_no = m.endpoint_no AND r.day = m.day
    LEFT JOIN prices p ON p.endpoint_no = m.endpoint_no AND p.day = m.day
    LEFT JOIN days d ON d.endpoint_no = m.endpoint_no AND d.day = m.day
)
SELECT place, 'hit rate', hit_rate,
    CASE WHEN is_same_reading OR (is_late_reading AND closing_rate IS NULL) THEN read_rate
         WHEN read_at IS NULL THEN closing_rate END,
    CASE WHEN hit_rate_at < me THEN old_rate END, 0.005,
    -- A derived rate follows from the effective price, which is compared itself.
    has_usage OR (basis = 'derived' AND coalesce(closing_input, read_input) IS NOT NULL)
FROM paired
UNION ALL
SELECT place, 'tokens', tokens, CASE WHEN is_same_reading THEN read_tokens END,
    CASE WHEN tokens_at < me THEN old_tokens END, 0.02 * abs(tokens) + 1000, has_usage
FROM paired
UNION ALL
SELECT place, 'effective input price', effective_input,
    CASE WHEN is_same_reading THEN read_input WHEN read_at IS NULL THEN closing_input END,
    CASE WHEN effective_input_at < me THEN old_input END, 0.01 * abs(effective_input) + 1e-6, has_usage
FROM paired
UNION ALL
SELECT place, 'effective output price', effective_output,
    CASE WHEN is_same_reading THEN read_output WHEN read_at IS NULL THEN closing_output END,
    CASE WHEN effective_output_at < me THEN old_output END, 0.01 * abs(effective_output) + 1e-6, has_usage
FROM paired
UNION ALL
SELECT place, 'uptime', uptime, NULL, CASE WHEN uptime_at < me THEN old_uptime END, 0.005, has_uptime FROM paired
UNION ALL
SELECT place, 'output speed', throughput, NULL, CASE WHEN throughput_at < me THEN old_throughput END,
    0.05 * abs(throughput), has_throughput
FROM paired
UNION ALL
SELECT place, 'time to first token', latency_ms, NULL, CASE WHEN latency_ms_at < me THEN old_latency END,
    0.05 * abs(latency_ms), has_latency
FROM paired
