-- One row per endpoint of the newest run at as_of. Parameter: as_of.
WITH newest AS (
    SELECT run_no, observed_at, window_kind FROM run
    WHERE observed_at <= CAST($1 AS TIMESTAMP) AND status <> 'failed'
    ORDER BY observed_at DESC LIMIT 1
), facts AS (
    SELECT h.* FROM endpoint_history h, newest
    WHERE h.valid_from <= newest.observed_at AND (h.valid_to IS NULL OR h.valid_to > newest.observed_at)
), prices AS (
    SELECT p.* FROM price_history p, newest
    WHERE p.valid_from <= newest.observed_at AND (p.valid_to IS NULL OR p.valid_to > newest.observed_at)
), models AS (
    SELECT m.* FROM model_history m, newest
    WHERE m.valid_from <= newest.observed_at AND (m.valid_to IS NULL OR m.valid_to > newest.observed_at)
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant, f.provider, f.provider_name, f.tag,
    CAST(epoch(m.created) AS BIGINT) AS model_created_s,
    CAST(epoch(newest.observed_at) AS BIGINT) AS observed_s,
    CAST(epoch(e.first_seen) AS BIGINT) AS first_seen_s,
    r.hit_rate, r.tokens, r.effective_input, r.effective_output,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    coalesce(p.price_tiers, '[]') AS price_tiers_json,
    coalesce(p.list_cache_write > 0, false) AS billed_writes,
    r.uptime_5m, r.uptime_30m, r.uptime_1d,
    CASE WHEN r.success_1d + r.error_1d + r.rate_limited_1d > 0
         THEN r.success_1d / (r.success_1d + r.error_1d + r.rate_limited_1d) END AS availability_1d,
    CAST(r.status AS INTEGER) AS status,
    r.throughput, r.latency_ms,
    f.restricted, f.deranked, f.disabled,
    newest.window_kind = 'day_to_date' AS window_day_to_date,
    f.quantization, f.context_length, f.max_completion_tokens, f.region, f.trains_on_prompts, f.retains_prompts,
    f.parameters,
    f.max_prompt_tokens, epoch_us(f.deprecation_date) AS deprecation_us, epoch_us(f.created_at) AS created_us,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h
FROM newest
JOIN reading r USING (run_no)
JOIN endpoint e USING (endpoint_no)
JOIN facts f USING (endpoint_no)
LEFT JOIN prices p USING (endpoint_no)
LEFT JOIN models m ON m.model = e.model AND m.variant = e.variant
ORDER BY e.model, e.variant, endpoint_id
