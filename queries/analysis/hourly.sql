-- Hourly rates: the difference between two consecutive readings of the UTC day so far, as defined in
-- `domain/hourly.rs`. One row per endpoint and reading with usage of a run in [from, to); `refused` names the reason
-- why there is no rate. Parameters: from, to, the minimum number of tokens of a rate, how far outside 0..1 a rate may
-- lie to be clamped. `requests_30m` counts the half hour before the reading.
WITH runs AS (
    -- Starts one day earlier: the first difference may need a reading from before `from`, and the last run of a day may
    -- contain the first reading of the next day.
    SELECT run_no, observed_at, window_kind = 'day_to_date' AS to_date
    FROM run
    WHERE observed_at >= date_trunc('day', CAST($1 AS TIMESTAMP)) - INTERVAL 1 DAY AND observed_at < CAST($2 AS TIMESTAMP)
), readings AS (
    SELECT runs.*, r.endpoint_no, r.hit_rate, r.tokens, r.requests_30m,
        CAST(CAST(runs.observed_at AS DATE) - r.usage_day_back AS TIMESTAMP) AS midnight,
        -- A summary that is read after the end of its day covers that day and no more.
        least(runs.observed_at + to_seconds(r.usage_after_s),
            CAST(CAST(runs.observed_at AS DATE) - r.usage_day_back AS TIMESTAMP) + INTERVAL 1 DAY - INTERVAL 1 MICROSECOND) AS read_at
    FROM runs JOIN reading r USING (run_no)
    WHERE r.tokens IS NOT NULL
), paired AS (
    SELECT *,
        lag(read_at) OVER same_day AS at_before,
        lag(tokens) OVER same_day AS tokens_before,
        lag(hit_rate) OVER same_day AS rate_before
    FROM readings
    WINDOW same_day AS (PARTITION BY endpoint_no, midnight, to_date ORDER BY observed_at)
), differences AS (
    -- The first reading of a day needs no predecessor: both sums began at midnight.
    SELECT *,
        tokens - coalesce(tokens_before, 0) AS gained,
        hit_rate * tokens - CASE WHEN at_before IS NULL THEN 0.0 ELSE rate_before * tokens_before END AS cached
    FROM paired
), judged AS (
    SELECT *, cached / nullif(gained, 0) AS rate,
        CASE WHEN NOT to_date THEN 'window_kind'
             WHEN at_before >= read_at THEN 'across_midnight'
             WHEN gained < 0 THEN 'tokens_fell'
             WHEN gained = 0 THEN 'no_traffic'
             WHEN cached IS NULL THEN 'no_rate'
             WHEN gained < CAST($3 AS BIGINT) THEN 'too_few_tokens'
             WHEN cached / gained NOT BETWEEN 0.0 - CAST($4 AS DOUBLE) AND 1.0 + CAST($4 AS DOUBLE) THEN 'out_of_range'
        END AS refused
    FROM differences
    WHERE observed_at >= CAST($1 AS TIMESTAMP)
      -- Days that are rolled up have no hourly rates.
      AND CAST(observed_at AS DATE) > (SELECT coalesce(max(last_day), DATE '1970-01-01') FROM rollup)
)
SELECT run_no, endpoint_no,
    CASE WHEN to_date THEN coalesce(at_before, midnight) END AS window_start,
    CASE WHEN to_date THEN read_at END AS window_end,
    CASE WHEN refused IS NULL THEN greatest(0.0, least(1.0, rate)) END AS hit_rate,
    CASE WHEN to_date THEN gained END AS tokens,
    refused, requests_30m
FROM judged
