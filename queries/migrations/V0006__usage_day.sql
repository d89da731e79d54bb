-- Which UTC day a usage summary covers and when it was read, both relative to the run. Runs take minutes and upstream
-- caches cross midnight, so the start of the run does not say either. Rows of older versions get the run's own day and
-- time, as they were used; `hitrate replay` reads the right ones from the archive.
DROP VIEW reading;
ALTER TABLE stored_reading ADD COLUMN usage_day_back SMALLINT DEFAULT 0;   -- UTC day of the run minus the day of the summary
ALTER TABLE stored_reading ADD COLUMN usage_after_s INTEGER DEFAULT 0;     -- seconds from the run's start to the answer

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
    status, success_1d, error_1d, rate_limited_1d, throughput, latency_ms, requests_30m,
    tokens IS NOT NULL OR hit_rate IS NOT NULL OR effective_input IS NOT NULL OR effective_output IS NOT NULL AS has_usage,
    usage_day_back, usage_after_s
FROM stored_reading;

-- A day can get a later reading after it was closed: an upstream cache that crossed midnight, or a model without traffic
-- since. Then there is one row more; the newest one known at a time counts.
ALTER TABLE endpoint_day ADD COLUMN known_at TIMESTAMP;                    -- null: since the day was closed

-- Absent is not zero.
ALTER TABLE activity ALTER COLUMN cached_tokens DROP NOT NULL;
ALTER TABLE activity ALTER COLUMN requests DROP NOT NULL;

-- Why a run is suspect, and what an operator accepted of it.
CREATE TABLE finding (
    run_no INTEGER NOT NULL,
    field VARCHAR NOT NULL,             -- document and field of the upstream whose meaning moved
    check_name VARCHAR NOT NULL,
    before DOUBLE,
    after DOUBLE,
    detail VARCHAR NOT NULL,
    accepted BOOLEAN NOT NULL
);
