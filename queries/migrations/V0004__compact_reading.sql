-- Readings in fewer bytes, and the days that are over in one row an endpoint. Nothing is rounded: the view `reading`
-- gives every number back to the last bit.

CREATE TABLE stored_reading (
    run_no INTEGER NOT NULL,
    endpoint_no INTEGER NOT NULL,
    hit_rate DOUBLE[],                  -- null: none; empty: 0; else the rate alone
    tokens BIGINT,
    effective_input DOUBLE,
    effective_output DOUBLE,
    down_5m INTEGER,                    -- uptime is (1 - down / of): the smallest whole numbers that give it
    of_5m INTEGER,
    exact_5m DOUBLE,                    -- the uptime itself where no such numbers do
    down_30m INTEGER,
    of_30m INTEGER,
    exact_30m DOUBLE,
    down_1d INTEGER,
    of_1d INTEGER,
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
SELECT run_no, endpoint_no, CASE WHEN hit_rate = 0 THEN [] WHEN hit_rate IS NOT NULL THEN [hit_rate] END,
    tokens, effective_input, effective_output,
    NULL, NULL, uptime_5m, NULL, NULL, uptime_30m, NULL, NULL, uptime_1d,
    status, success_1d, error_1d, rate_limited_1d, throughput, latency_ms, requests_30m
FROM reading
ORDER BY run_no, endpoint_no;

DROP TABLE reading;

CREATE VIEW reading AS
SELECT run_no, endpoint_no,
    CASE WHEN len(hit_rate) = 0 THEN CAST(0 AS DOUBLE) ELSE hit_rate[1] END AS hit_rate,
    tokens, effective_input, effective_output,
    coalesce(exact_5m, (of_5m - down_5m) / of_5m * 100 / 100) AS uptime_5m,
    coalesce(exact_30m, (of_30m - down_30m) / of_30m * 100 / 100) AS uptime_30m,
    coalesce(exact_1d, (of_1d - down_1d) / of_1d * 100 / 100) AS uptime_1d,
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
