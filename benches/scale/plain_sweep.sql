-- One more sweep: a copy of the last one, one hour later.
INSERT INTO flat
SELECT strftime(observed_at + INTERVAL 1 HOUR, '%Y%m%dT%H%M%SZ'), observed_at + INTERVAL 1 HOUR, window_kind,
    date_trunc('day', observed_at + INTERVAL 1 HOUR), window_end + INTERVAL 1 HOUR, model, variant, endpoint_id, provider,
    provider_name, tag, hit_rate, tokens, effective_input, effective_output, list_input, list_output, list_cache_read,
    list_cache_write, uptime_5m, uptime_30m, uptime_1d, status
FROM flat WHERE observed_at = (SELECT max(observed_at) FROM flat);
CHECKPOINT;
