-- Keeps the sizes of requests of the UTC day that begins at `from`: the sums that `domain/hourly.rs` adds up over the
-- hourly rates (here `hourly`, the rows of queries/analysis/hourly.sql).
INSERT INTO request_size_day
WITH counted AS (
    SELECT endpoint_no, tokens, requests_30m,
        CAST(epoch(window_end) AS BIGINT) - CAST(epoch(window_start) AS BIGINT) AS seconds
    FROM hourly
    WHERE refused IS NULL AND requests_30m IS NOT NULL
)
SELECT endpoint_no, CAST('{day}' AS DATE), CAST(sum(tokens) AS BIGINT), CAST(sum(requests_30m * seconds) AS BIGINT),
    CAST(count(*) AS INTEGER)
FROM counted
WHERE seconds > 0
GROUP BY endpoint_no
ORDER BY endpoint_no
