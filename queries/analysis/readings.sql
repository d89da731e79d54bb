-- The output of `export readings`: one row per endpoint and run in [from, to). Parameters: from, to.
WITH runs AS MATERIALIZED (
    SELECT * FROM run
    WHERE observed_at >= CAST($1 AS TIMESTAMP) AND observed_at < CAST($2 AS TIMESTAMP)
)
SELECT runs.run_id,
    runs.observed_at,
    runs.window_kind,
    -- The UTC day that the summary covers, up to the time of reading or the end of that day.
    CASE WHEN runs.window_kind = 'day_to_date' AND r.has_usage
         THEN CAST(CAST(runs.observed_at AS DATE) - r.usage_day_back AS TIMESTAMP) END AS window_start,
    CASE WHEN runs.window_kind = 'day_to_date' AND r.has_usage
         THEN least(runs.observed_at + to_seconds(r.usage_after_s),
            CAST(CAST(runs.observed_at AS DATE) - r.usage_day_back AS TIMESTAMP) + INTERVAL 1 DAY) END AS window_end,
    e.model, e.variant, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id,
    f.provider, f.provider_name, f.tag,
    r.hit_rate, r.tokens, r.effective_input, r.effective_output,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    r.uptime_5m, r.uptime_30m, r.uptime_1d, CAST(r.status AS INTEGER) AS status,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h, f.max_prompt_tokens,
    f.deprecation_date, f.created_at
FROM runs
JOIN reading r USING (run_no)
JOIN endpoint e USING (endpoint_no)
JOIN endpoint_history f ON f.endpoint_no = r.endpoint_no
    AND f.valid_from <= runs.observed_at AND coalesce(f.valid_to, TIMESTAMP '9999-12-31') > runs.observed_at
LEFT JOIN price_history p ON p.endpoint_no = r.endpoint_no
    AND p.valid_from <= runs.observed_at AND coalesce(p.valid_to, TIMESTAMP '9999-12-31') > runs.observed_at
ORDER BY runs.observed_at, e.model, e.variant, endpoint_id
