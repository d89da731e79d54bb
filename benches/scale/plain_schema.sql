CREATE TABLE flat (
    run_id VARCHAR, observed_at TIMESTAMP, window_kind VARCHAR, window_start TIMESTAMP, window_end TIMESTAMP,
    model VARCHAR, variant VARCHAR, endpoint_id VARCHAR, provider VARCHAR, provider_name VARCHAR, tag VARCHAR,
    hit_rate DOUBLE, tokens BIGINT, effective_input DOUBLE, effective_output DOUBLE,
    list_input DOUBLE, list_output DOUBLE, list_cache_read DOUBLE, list_cache_write DOUBLE,
    uptime_5m DOUBLE, uptime_30m DOUBLE, uptime_1d DOUBLE, status INTEGER
);
