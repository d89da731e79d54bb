-- Data from before the record or from outside it. Nothing here enters readings, tiers, recommendations or the backtest.
CREATE TABLE import_source (
    source_no INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    origin VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    fetched_at TIMESTAMP NOT NULL,
    stored BIGINT NOT NULL,
    known BIGINT NOT NULL,
    disagreements BIGINT NOT NULL,
    unmatched BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    examples VARCHAR NOT NULL
);
CREATE TABLE imported_endpoint (
    imported_no INTEGER NOT NULL,
    model VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    endpoint_id UUID,
    provider VARCHAR,
    provider_name VARCHAR,
    tag VARCHAR
);
CREATE TABLE imported_day (
    source_no INTEGER NOT NULL,
    imported_no INTEGER NOT NULL,
    day DATE NOT NULL,
    read_at TIMESTAMP,
    hit_rate DOUBLE,
    basis VARCHAR,
    tokens BIGINT,
    effective_input DOUBLE,
    effective_output DOUBLE,
    uptime DOUBLE,
    throughput DOUBLE,
    latency_ms DOUBLE,
    differs VARCHAR
);
CREATE TABLE imported_price (
    source_no INTEGER NOT NULL,
    imported_no INTEGER NOT NULL,
    since TIMESTAMP NOT NULL,
    list_input DOUBLE,
    list_output DOUBLE,
    list_cache_read DOUBLE,
    list_cache_write DOUBLE,
    discount DOUBLE,
    differs VARCHAR
);
CREATE TABLE imported_uptime (
    source_no INTEGER NOT NULL,
    imported_no INTEGER NOT NULL,
    start TIMESTAMP NOT NULL,
    minutes INTEGER NOT NULL,
    uptime DOUBLE NOT NULL,
    differs VARCHAR
);
CREATE TABLE imported_activity (
    source_no INTEGER NOT NULL,
    model VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    day DATE NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens BIGINT,
    requests BIGINT,
    differs VARCHAR
);

-- Which endpoint of the record an imported one is: by its id; or by model, variant and tag; or by model, variant and
-- display name of the provider. A name that fits several endpoints fits none.
CREATE VIEW imported_link AS
WITH named AS (
    SELECT DISTINCT e.endpoint_no, e.model, e.variant, e.synthetic, h.tag, h.provider_name
    FROM endpoint e JOIN endpoint_history h USING (endpoint_no)
), by_id AS (
    SELECT i.imported_no, min(e.endpoint_no) AS endpoint_no
    FROM imported_endpoint i JOIN endpoint e ON e.endpoint_id = i.endpoint_id
    GROUP BY i.imported_no
), by_tag AS (
    SELECT i.imported_no, min(n.endpoint_no) AS endpoint_no
    FROM imported_endpoint i JOIN named n ON n.model = i.model AND n.variant = i.variant AND n.tag = i.tag
    WHERE i.endpoint_id IS NULL OR n.synthetic
    GROUP BY i.imported_no HAVING count(DISTINCT n.endpoint_no) = 1
), by_name AS (
    SELECT i.imported_no, min(n.endpoint_no) AS endpoint_no
    FROM imported_endpoint i
    JOIN named n ON n.model = i.model AND n.variant = i.variant AND n.provider_name = i.provider_name
    WHERE i.endpoint_id IS NULL AND i.tag IS NULL
    GROUP BY i.imported_no HAVING count(DISTINCT n.endpoint_no) = 1
)
SELECT i.imported_no, coalesce(a.endpoint_no, b.endpoint_no, c.endpoint_no) AS endpoint_no
FROM imported_endpoint i
LEFT JOIN by_id a USING (imported_no) LEFT JOIN by_tag b USING (imported_no) LEFT JOIN by_name c USING (imported_no);

COMMENT ON TABLE import_source IS 'One row per imported source: a file, or what the upstream offered of past days.';
COMMENT ON COLUMN import_source.source_no IS 'short key, ascending in the order of the imports';
COMMENT ON COLUMN import_source.name IS 'name, unique; `hitrate import forget` takes it';
COMMENT ON COLUMN import_source.kind IS 'kind of source: `price_charts`, `listed_prices`, `uptime_hours`, `closing_rates`, `activity`, `export`, `bodies` or `series`';
COMMENT ON COLUMN import_source.origin IS 'address or file name';
COMMENT ON COLUMN import_source.sha256 IS 'sha256 of the content, hex: the same content is imported once';
COMMENT ON COLUMN import_source.fetched_at IS 'when it was fetched, or when the file was imported';
COMMENT ON COLUMN import_source.stored IS 'rows that were stored';
COMMENT ON COLUMN import_source.known IS 'rows that the record or an earlier import had with the same value; they are not stored again';
COMMENT ON COLUMN import_source.disagreements IS 'rows whose value differs from that of the record or an earlier import; they are kept with `differs`';
COMMENT ON COLUMN import_source.unmatched IS 'rows of endpoints that the record did not know';
COMMENT ON COLUMN import_source.refused IS 'rows that could not be used';
COMMENT ON COLUMN import_source.examples IS 'JSON list of examples of disagreements and refused rows, at most 20';

COMMENT ON TABLE imported_endpoint IS 'One row per endpoint as a source names it; also one for each model that has a list price as a whole.';
COMMENT ON COLUMN imported_endpoint.imported_no IS 'short key';
COMMENT ON COLUMN imported_endpoint.model IS 'canonical slug of the model, or its public name if the source has no other';
COMMENT ON COLUMN imported_endpoint.variant IS 'variant of the model';
COMMENT ON COLUMN imported_endpoint.endpoint_id IS 'the upstream''s UUID; null: the source has none';
COMMENT ON COLUMN imported_endpoint.provider IS 'base slug of the provider';
COMMENT ON COLUMN imported_endpoint.provider_name IS 'display name of the provider';
COMMENT ON COLUMN imported_endpoint.tag IS 'routing name; null here and in the other names: the model as a whole';

COMMENT ON TABLE imported_day IS 'One row per source, endpoint and UTC day.';
COMMENT ON COLUMN imported_day.source_no IS 'key of the source';
COMMENT ON COLUMN imported_day.imported_no IS 'key of the endpoint in `imported_endpoint`';
COMMENT ON COLUMN imported_day.day IS 'UTC day';
COMMENT ON COLUMN imported_day.read_at IS 'when the numbers were read, if the day was not over: they cover the day up to this time; null: the whole day';
COMMENT ON COLUMN imported_day.hit_rate IS 'cached prompt tokens over prompt tokens, 0 to 1';
COMMENT ON COLUMN imported_day.basis IS 'source of the hit rate: `observed`, `comparison` or `derived` (computed from the effective price)';
COMMENT ON COLUMN imported_day.tokens IS 'prompt and completion tokens';
COMMENT ON COLUMN imported_day.effective_input IS 'what a prompt token cost after caching, USD per million';
COMMENT ON COLUMN imported_day.effective_output IS 'what a completion token cost, USD per million';
COMMENT ON COLUMN imported_day.uptime IS 'uptime, 0 to 1';
COMMENT ON COLUMN imported_day.throughput IS 'output speed, tokens a second';
COMMENT ON COLUMN imported_day.latency_ms IS 'time to first token, milliseconds';
COMMENT ON COLUMN imported_day.differs IS 'what differs from the record or an earlier import, with both values; null: nothing';

COMMENT ON TABLE imported_price IS 'One row per source, endpoint (or model as a whole) and time: list prices, USD per million tokens after discount.';
COMMENT ON COLUMN imported_price.source_no IS 'key of the source';
COMMENT ON COLUMN imported_price.imported_no IS 'key of the endpoint in `imported_endpoint`';
COMMENT ON COLUMN imported_price.since IS 'since when they hold, or when they were seen';
COMMENT ON COLUMN imported_price.list_input IS 'prompt tokens';
COMMENT ON COLUMN imported_price.list_output IS 'completion tokens';
COMMENT ON COLUMN imported_price.list_cache_read IS 'prompt tokens read from the cache';
COMMENT ON COLUMN imported_price.list_cache_write IS 'prompt tokens written to the cache';
COMMENT ON COLUMN imported_price.discount IS 'fraction already deducted from the prices';
COMMENT ON COLUMN imported_price.differs IS 'what differs from the record or an earlier import, with both values; null: nothing';

COMMENT ON TABLE imported_uptime IS 'One row per source, endpoint and hour or half hour.';
COMMENT ON COLUMN imported_uptime.source_no IS 'key of the source';
COMMENT ON COLUMN imported_uptime.imported_no IS 'key of the endpoint in `imported_endpoint`';
COMMENT ON COLUMN imported_uptime.start IS 'start of the time that it covers';
COMMENT ON COLUMN imported_uptime.minutes IS 'length of that time: 60 or 30';
COMMENT ON COLUMN imported_uptime.uptime IS 'uptime, 0 to 1';
COMMENT ON COLUMN imported_uptime.differs IS 'what differs from an earlier import, with both values; null: nothing';

COMMENT ON TABLE imported_activity IS 'One row per source, model and UTC day.';
COMMENT ON COLUMN imported_activity.source_no IS 'key of the source';
COMMENT ON COLUMN imported_activity.model IS 'canonical slug of the model';
COMMENT ON COLUMN imported_activity.variant IS 'variant of the model';
COMMENT ON COLUMN imported_activity.day IS 'UTC day';
COMMENT ON COLUMN imported_activity.prompt_tokens IS 'prompt tokens';
COMMENT ON COLUMN imported_activity.completion_tokens IS 'completion tokens';
COMMENT ON COLUMN imported_activity.cached_tokens IS 'prompt tokens read from a cache';
COMMENT ON COLUMN imported_activity.requests IS 'requests';
COMMENT ON COLUMN imported_activity.differs IS 'what differs from the record or an earlier import, with both values; null: nothing';

COMMENT ON VIEW imported_link IS 'One row per row of `imported_endpoint`: the endpoint of the record that it is, by its id, its tag, or the display name of its provider.';
COMMENT ON COLUMN imported_link.imported_no IS 'key of the endpoint in `imported_endpoint`';
COMMENT ON COLUMN imported_link.endpoint_no IS 'key of the endpoint in `endpoint`; null: the record does not know it, or the names fit several';
