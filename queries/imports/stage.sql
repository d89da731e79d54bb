-- The rows of one source, and what each of their values is compared with. A place is the position of a row in its source.
CREATE OR REPLACE TEMP TABLE stage_imported_day (
    place BIGINT, imported_no INTEGER, day DATE, read_at TIMESTAMP, hit_rate DOUBLE, basis VARCHAR, tokens BIGINT,
    effective_input DOUBLE, effective_output DOUBLE, uptime DOUBLE, throughput DOUBLE, latency_ms DOUBLE
);
CREATE OR REPLACE TEMP TABLE stage_imported_price (
    place BIGINT, imported_no INTEGER, since TIMESTAMP, list_input DOUBLE, list_output DOUBLE, list_cache_read DOUBLE,
    list_cache_write DOUBLE, discount DOUBLE
);
CREATE OR REPLACE TEMP TABLE stage_imported_uptime (
    place BIGINT, imported_no INTEGER, start TIMESTAMP, minutes INTEGER, uptime DOUBLE
);
CREATE OR REPLACE TEMP TABLE stage_imported_activity (
    place BIGINT, model VARCHAR, variant VARCHAR, day DATE, prompt_tokens BIGINT, completion_tokens BIGINT,
    cached_tokens BIGINT, requests BIGINT
);
CREATE OR REPLACE TEMP TABLE imported_who AS
SELECT imported_no, endpoint_no, CASE WHEN endpoint_no IS NULL THEN concat('=', imported_no) ELSE concat('#', endpoint_no) END AS who
FROM imported_link;
CREATE OR REPLACE TEMP TABLE compared (
    place BIGINT, field VARCHAR, value DOUBLE, recorded DOUBLE, imported DOUBLE, tolerance DOUBLE, is_covered BOOLEAN
);
