-- Readings in fewer bytes, and the days that are over in one row an endpoint. Nothing is rounded: the view `reading`
-- gives every number back to the last bit.

-- Lists of at most one value, as an empty one takes no room.
CREATE TABLE stored_reading (
    run_no INTEGER NOT NULL,
    endpoint_no INTEGER NOT NULL,
    hit_rate DOUBLE[],                  -- null: none; empty: 0; else the rate
    tokens BIGINT,
    effective_input DOUBLE[],           -- null: none; else the price
    effective_output DOUBLE[],
    uptime_5m STRUCT(down INTEGER, total INTEGER)[], -- null: none; empty: 1; else 1 - down / total, in the smallest whole numbers
    uptime_30m STRUCT(down INTEGER, total INTEGER)[],
    uptime_1d STRUCT(down INTEGER, total INTEGER)[],
    exact_5m DOUBLE,                    -- the uptime itself where no such numbers give it
    exact_30m DOUBLE,
    exact_1d DOUBLE,
    status SMALLINT,
    success_1d BIGINT,
    error_1d BIGINT,
    rate_limited_1d BIGINT,
    throughput DOUBLE,
    latency_ms DOUBLE,
    requests_30m BIGINT
);

INSERT INTO stored_reading
SELECT run_no, endpoint_no,
    CASE WHEN hit_rate = 0 THEN [] WHEN hit_rate IS NOT NULL THEN [hit_rate] END, tokens,
    CASE WHEN effective_input IS NOT NULL THEN [effective_input] END,
    CASE WHEN effective_output IS NOT NULL THEN [effective_output] END,
    NULL, NULL, NULL, uptime_5m, uptime_30m, uptime_1d,
    status, success_1d, error_1d, rate_limited_1d, throughput, latency_ms, requests_30m
FROM reading
ORDER BY run_no, endpoint_no;

DROP TABLE reading;

CREATE VIEW reading AS
SELECT run_no, endpoint_no,
    CASE WHEN len(hit_rate) = 0 THEN CAST(0 AS DOUBLE) ELSE hit_rate[1] END AS hit_rate,
    tokens, effective_input[1] AS effective_input, effective_output[1] AS effective_output,
    coalesce(exact_5m, CASE WHEN len(uptime_5m) = 0 THEN CAST(1 AS DOUBLE)
        ELSE (uptime_5m[1].total - uptime_5m[1].down) / uptime_5m[1].total * 100 / 100 END) AS uptime_5m,
    coalesce(exact_30m, CASE WHEN len(uptime_30m) = 0 THEN CAST(1 AS DOUBLE)
        ELSE (uptime_30m[1].total - uptime_30m[1].down) / uptime_30m[1].total * 100 / 100 END) AS uptime_30m,
    coalesce(exact_1d, CASE WHEN len(uptime_1d) = 0 THEN CAST(1 AS DOUBLE)
        ELSE (uptime_1d[1].total - uptime_1d[1].down) / uptime_1d[1].total * 100 / 100 END) AS uptime_1d,
    status, success_1d, error_1d, rate_limited_1d, throughput, latency_ms, requests_30m
FROM stored_reading;

-- Days that are over, from their day-to-date readings: written once, when the first run of a later day is stored.
CREATE TABLE endpoint_day (
    endpoint_no INTEGER NOT NULL,
    day DATE NOT NULL,
    hit_rate DOUBLE,                    -- of the last reading with usage
    tokens BIGINT,
    effective_input DOUBLE,
    effective_output DOUBLE,
    usage_at TIMESTAMP,                 -- when that reading was taken; null: no usage on this day
    uptime_1d DOUBLE,                   -- of the last reading
    success_1d BIGINT,
    error_1d BIGINT,
    rate_limited_1d BIGINT,
    uptime_30m DOUBLE,                  -- means over the readings of the day
    throughput DOUBLE,
    latency_ms DOUBLE
);
