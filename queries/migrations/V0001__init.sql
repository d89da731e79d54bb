-- The record of all runs. Times are naive UTC. No keys and no indexes on tables that grow: rows are appended once, in
-- the transaction of their run, after looking whether they are there.

CREATE TABLE run (
    run_no INTEGER NOT NULL,            -- short key of the run, ascending in time
    run_id VARCHAR NOT NULL,            -- public id: the time the run looked, compact
    observed_at TIMESTAMP NOT NULL,     -- when the run looked at the upstream
    status VARCHAR NOT NULL,            -- ok, partial
    window_kind VARCHAR NOT NULL,       -- hour, day_to_date, unknown
    upstream VARCHAR NOT NULL,          -- base address
    simulated BOOLEAN NOT NULL,         -- whether the upstream was the simulator
    requests INTEGER NOT NULL,          -- sent, retries included
    documents INTEGER NOT NULL,         -- archived
    readings INTEGER NOT NULL,          -- endpoints with usage
    endpoints INTEGER NOT NULL,         -- endpoints seen
    quarantined INTEGER NOT NULL,       -- rows put aside
    drift INTEGER NOT NULL,             -- distinct unknown paths
    duration_ms BIGINT NOT NULL,        -- fetching
    activity BOOLEAN NOT NULL,          -- whether the once-a-day routes were asked
    failures VARCHAR NOT NULL           -- JSON list of what failed
);

CREATE TABLE run_source (
    run_no INTEGER NOT NULL,
    source VARCHAR NOT NULL,            -- openrouter-api, openrouter-stats
    planned INTEGER NOT NULL,
    ok INTEGER NOT NULL,
    no_data INTEGER NOT NULL,
    failed INTEGER NOT NULL
);

CREATE TABLE model_history (
    model VARCHAR NOT NULL,             -- canonical slug
    variant VARCHAR NOT NULL,
    model_id VARCHAR NOT NULL,          -- public name
    name VARCHAR NOT NULL,              -- for people
    created TIMESTAMP,                  -- when the upstream listed it
    context_length BIGINT,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP                  -- null: still so
);

CREATE TABLE provider_history (
    provider VARCHAR NOT NULL,          -- base slug
    name VARCHAR NOT NULL,
    headquarters VARCHAR,
    status_page VARCHAR,
    privacy_policy VARCHAR,
    terms_of_service VARCHAR,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP
);

CREATE TABLE endpoint (
    endpoint_no INTEGER NOT NULL,       -- short key
    endpoint_id UUID NOT NULL,          -- the upstream's, or uuid5 of (model, variant, tag) while that is unknown
    synthetic BOOLEAN NOT NULL,         -- whether it is the latter
    model VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    first_seen TIMESTAMP NOT NULL
);

CREATE TABLE endpoint_history (
    endpoint_no INTEGER NOT NULL,
    provider VARCHAR NOT NULL,
    provider_name VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,               -- routing name: changes
    quantization VARCHAR,
    context_length BIGINT,
    max_completion_tokens BIGINT,
    region VARCHAR,
    trains_on_prompts BOOLEAN,
    retains_prompts BOOLEAN,
    parameters VARCHAR NOT NULL,        -- JSON list
    restricted BOOLEAN NOT NULL,
    deranked BOOLEAN NOT NULL,
    disabled BOOLEAN NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP
);

CREATE TABLE price_history (
    endpoint_no INTEGER NOT NULL,
    list_input DECIMAL(18, 9),          -- USD per million tokens
    list_output DECIMAL(18, 9),
    list_cache_read DECIMAL(18, 9),
    list_cache_write DECIMAL(18, 9),
    discount DOUBLE,                    -- fraction already taken off
    price_tiers VARCHAR NOT NULL,       -- JSON list of conditional prices
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP
);

CREATE TABLE reading (
    run_no INTEGER NOT NULL,
    endpoint_no INTEGER NOT NULL,
    hit_rate DOUBLE,                    -- 0..1
    tokens BIGINT,                      -- null: no summary was published
    effective_input DOUBLE,             -- USD per million tokens
    effective_output DOUBLE,
    uptime_5m DOUBLE,                   -- 0..1
    uptime_30m DOUBLE,
    uptime_1d DOUBLE,
    status SMALLINT,
    success_1d BIGINT,                  -- request outcomes over a day, where published
    error_1d BIGINT,
    rate_limited_1d BIGINT,
    throughput DOUBLE,                  -- tokens a second
    latency_ms DOUBLE,
    requests_30m BIGINT
);

CREATE TABLE closing_price (
    endpoint_no INTEGER NOT NULL,
    day DATE NOT NULL,                  -- a UTC day that was over when the run looked
    effective_input DOUBLE,
    effective_output DOUBLE,
    run_no INTEGER NOT NULL             -- the run that said so first; the newest counts
);

CREATE TABLE model_usage (
    run_no INTEGER NOT NULL,
    model VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    hit_rate DOUBLE,                    -- the upstream's own aggregate
    effective_input DOUBLE,
    effective_output DOUBLE
);

CREATE TABLE activity (
    model VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    day DATE NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    run_no INTEGER NOT NULL             -- the newest counts
);

CREATE TABLE quarantine (
    run_no INTEGER NOT NULL,
    reason VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    model VARCHAR,
    variant VARCHAR,
    path VARCHAR NOT NULL,              -- JSON path
    detail VARCHAR NOT NULL,
    tokens BIGINT,
    sha256 VARCHAR NOT NULL             -- of the archived body
);

CREATE TABLE drift (
    run_no INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    count INTEGER NOT NULL
);

CREATE TABLE event (
    run_no INTEGER NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    kind VARCHAR NOT NULL,
    endpoint_no INTEGER,
    detail VARCHAR NOT NULL
);
