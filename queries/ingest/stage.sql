-- Staging tables: they hold a run's rows inside its transaction until they are compared with the known state.
CREATE OR REPLACE TEMP TABLE stage_run (run_no INTEGER, observed_at TIMESTAMP);
CREATE OR REPLACE TEMP TABLE stage_facts AS SELECT * EXCLUDE (valid_from, valid_to) FROM endpoint_history LIMIT 0;
CREATE OR REPLACE TEMP TABLE stage_prices AS SELECT * EXCLUDE (valid_from, valid_to) FROM price_history LIMIT 0;
CREATE OR REPLACE TEMP TABLE stage_reading (
    endpoint_no INTEGER, hit_rate DOUBLE, tokens BIGINT, effective_input DOUBLE, effective_output DOUBLE,
    down_5m INTEGER, of_5m INTEGER, exact_5m DOUBLE, down_30m INTEGER, of_30m INTEGER, exact_30m DOUBLE,
    down_1d INTEGER, of_1d INTEGER, exact_1d DOUBLE, status SMALLINT,
    success_1d BIGINT, error_1d BIGINT, rate_limited_1d BIGINT,
    throughput DOUBLE, latency_ms DOUBLE, requests_30m BIGINT,
    usage_day_back SMALLINT, usage_after_s INTEGER
);
CREATE OR REPLACE TEMP TABLE stage_unanswered (model VARCHAR, variant VARCHAR, incomplete BOOLEAN);
CREATE OR REPLACE TEMP TABLE stage_closing (endpoint_no INTEGER, day VARCHAR, effective_input DOUBLE, effective_output DOUBLE);
CREATE OR REPLACE TEMP TABLE stage_rate (endpoint_id VARCHAR, day VARCHAR, hit_rate DOUBLE);
CREATE OR REPLACE TEMP TABLE stage_model (
    model VARCHAR, variant VARCHAR, model_id VARCHAR, name VARCHAR, created VARCHAR, context_length BIGINT
);
CREATE OR REPLACE TEMP TABLE stage_alias (alias VARCHAR, model_id VARCHAR);
CREATE OR REPLACE TEMP TABLE stage_provider (
    provider VARCHAR, name VARCHAR, headquarters VARCHAR, status_page VARCHAR, privacy_policy VARCHAR,
    terms_of_service VARCHAR
);
CREATE OR REPLACE TEMP TABLE stage_activity (
    model VARCHAR, variant VARCHAR, day VARCHAR, prompt_tokens BIGINT, completion_tokens BIGINT, cached_tokens BIGINT,
    requests BIGINT
);
