-- The calls of the user's own logs, in a database of their own: they are never published, and a replay of the public
-- record does not touch them. The calls of a file are stored in chronological order, so that a period is read without
-- an index. Texts that many calls share are compressed by the database as dictionaries; read, written and reasoning
-- tokens are the same as written and under the rule, so they are stored once.

CREATE TABLE log_file (
    file_id      BIGINT    NOT NULL, -- Key of an imported file.
    format       VARCHAR   NOT NULL, -- Identifier of its format, such as litellm-spend-logs.
    source       VARCHAR   NOT NULL, -- Name of the source that the user gave, or the format; `traffic forget` takes it.
    path         VARCHAR   NOT NULL, -- Path as given; `receiver` for calls that arrived live.
    sha256       VARCHAR   NOT NULL, -- Digest of its bytes: the same file is imported once.
    bytes        BIGINT    NOT NULL, -- Its size.
    imported_at  TIMESTAMP NOT NULL, -- When it was imported, or imported again because it had grown.
    calls        BIGINT    NOT NULL, -- Rows of `call` that it added; those that were deleted later are included.
    duplicates   BIGINT    NOT NULL, -- Records left out because they repeat a call of this or another file.
    decisions    VARCHAR   NOT NULL, -- The rule of each model and its evidence, JSON.
    unread       VARCHAR   NOT NULL, -- Entries that could not be used, by reason, JSON.
    states_failures BOOLEAN NOT NULL -- Whether the format states failures.
);

CREATE TABLE call (
    file_id        BIGINT  NOT NULL, -- The file.
    line           BIGINT  NOT NULL, -- Line, row or position in it.
    id             VARCHAR,          -- Id of the call.
    id_kind        VARCHAR NOT NULL, -- What the id names.
    "at"           TIMESTAMP,        -- Start of the call, or its end if only that is known, UTC.
    ended_at       TIMESTAMP,        -- End of the call, UTC.
    zone_known     BOOLEAN NOT NULL, -- Whether the log states the time zone.
    session        VARCHAR,          -- Session; guessed ones have names of the import.
    session_kind   VARCHAR NOT NULL, -- What it is based on: given, given_per_request, file, guessed, none.
    parent_session VARCHAR,          -- The session that started this one.
    agent          VARCHAR,          -- Agent or subagent.
    platform       VARCHAR,          -- Who billed: openrouter, anthropic, litellm:openai.
    model_sent     VARCHAR,          -- The model that was requested, as written.
    model_served   VARCHAR,          -- The model that answered, as written.
    model_key      VARCHAR,          -- Slug of the model in the public catalogue, for a variant its id; null if it is not in it.
    provider_name  VARCHAR,          -- Provider, as written.
    provider_key   VARCHAR,          -- Base slug of the provider in the public catalogue; null if it is not in it.
    provider_tag   VARCHAR,          -- Tag of the endpoint: as written, or found by name if only one fits.
    endpoint_id    VARCHAR,          -- The upstream's id of the endpoint: as written, or found by tag or name.
    is_ambiguous   BOOLEAN NOT NULL, -- Whether several endpoints of its provider fit, so that none was chosen.
    app            VARCHAR,          -- Application.
    key            VARCHAR,          -- Name or hash of the API key, never the key.
    uncached       BIGINT,           -- Prompt tokens neither read nor written.
    read           BIGINT,           -- Prompt tokens read from the cache.
    write          BIGINT,           -- Prompt tokens written for an unknown time.
    write_5m       BIGINT,           -- Prompt tokens written for five minutes.
    write_1h       BIGINT,           -- Prompt tokens written for an hour.
    output_text    BIGINT,           -- Output tokens that are not reasoning.
    reasoning      BIGINT,           -- Reasoning tokens.
    raw_input      BIGINT,           -- The input field as written.
    raw_output     BIGINT,           -- The output field as written.
    raw_total      BIGINT,           -- The total as written.
    rule_input     VARCHAR NOT NULL, -- What the input field includes.
    rule_output    VARCHAR NOT NULL, -- What the output field includes.
    output_is_minimum BOOLEAN NOT NULL, -- Whether the output is a lower bound.
    paid           DOUBLE,           -- What the client paid, USD.
    paid_kind      VARCHAR NOT NULL, -- billed, billed_plus_byok, fee_only, computed_by_tool, subscription_zero, unknown.
    cache_saving   DOUBLE,           -- What caching saved, USD; negative if writes cost more.
    latency_ms     DOUBLE,           -- Request to complete answer.
    ttft_ms        DOUBLE,           -- Time to the first token, streamed answers only.
    router_ms      DOUBLE,           -- Time that the router spent.
    overhead_ms    DOUBLE,           -- Time that a gateway added.
    status         VARCHAR NOT NULL, -- ok, error, cancelled, refused, rate_limited, timeout, unknown.
    http           INTEGER,          -- HTTP status of an error.
    error_class    VARCHAR,          -- Class of the error, as written.
    attempts       INTEGER,          -- Attempts of the router.
    finish         VARCHAR,          -- Why the output ended.
    tool_calls     INTEGER,          -- Tool calls in the answer.
    streamed       BOOLEAN,          -- Whether the answer was streamed.
    service_tier   VARCHAR,          -- Service tier.
    is_byok        BOOLEAN,          -- Whether the client used a provider's key of its own.
    gateway_cache_hit BOOLEAN NOT NULL, -- A gateway replayed a stored reply.
    aggregated     BIGINT            -- Number of requests in this sum; null for a single call.
);
