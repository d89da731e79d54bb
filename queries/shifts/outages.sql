-- Outages that began in [from, to): readings of an endpoint with an uptime over 30 minutes below a threshold, or with a
-- status that excludes it. Such readings belong together if they are close to each other. Only runs up to as_of count.
-- Parameters: from, to, as_of, the uptime, the longest gap in minutes, the least number of readings, the
-- uptime below which two readings are enough.
WITH runs AS MATERIALIZED (
    -- A week earlier: an outage that began before the range is not one that began in it.
    SELECT run_no, observed_at FROM run
    WHERE observed_at >= CAST($1 AS TIMESTAMP) - INTERVAL 7 DAY AND observed_at <= CAST($3 AS TIMESTAMP)
        AND status NOT IN ('failed', 'suspect')
), bad AS MATERIALIZED (
    SELECT r.endpoint_no, runs.observed_at, r.uptime_30m, CAST(r.status AS INTEGER) AS status
    FROM runs JOIN reading r USING (run_no)
    WHERE r.uptime_30m < CAST($4 AS DOUBLE) OR r.status IN (-5, -10)
), spaced AS (
    SELECT *, coalesce(date_diff('second', lag(observed_at) OVER in_turn, observed_at) > 60 * CAST($5 AS BIGINT), true)
        AS is_first
    FROM bad
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY observed_at)
), numbered AS (
    SELECT *, count(*) FILTER (is_first) OVER (PARTITION BY endpoint_no ORDER BY observed_at) AS number FROM spaced
), episode AS MATERIALIZED (
    SELECT endpoint_no, min(observed_at) AS first_at, max(observed_at) AS last_at, count(*) AS readings,
        min(uptime_30m) AS lowest, min(status) AS status
    FROM numbered
    GROUP BY endpoint_no, number
    HAVING (count(*) >= CAST($6 AS BIGINT)
            OR count(*) >= 2 AND max(coalesce(uptime_30m, 0.0)) < CAST($7 AS DOUBLE))
        AND min(observed_at) >= CAST($1 AS TIMESTAMP) AND min(observed_at) < CAST($2 AS TIMESTAMP)
), later AS (
    SELECT p.endpoint_no, p.first_at, min(runs.observed_at) AS next_at
    FROM episode p JOIN reading r ON r.endpoint_no = p.endpoint_no JOIN runs ON runs.run_no = r.run_no
    WHERE runs.observed_at > p.last_at
    GROUP BY p.endpoint_no, p.first_at
), earlier AS (
    SELECT p.endpoint_no, p.first_at, max_by(r.uptime_30m, runs.observed_at) AS uptime_before
    FROM episode p JOIN reading r ON r.endpoint_no = p.endpoint_no JOIN runs ON runs.run_no = r.run_no
    WHERE runs.observed_at < p.first_at AND runs.observed_at >= p.first_at - INTERVAL 1 DAY AND r.uptime_30m IS NOT NULL
    GROUP BY p.endpoint_no, p.first_at
)
SELECT epoch_us(p.first_at) AS at,
    -- The first reading that is good again; the last bad one if the endpoint was never read again and the runs went on.
    CASE WHEN l.next_at IS NOT NULL THEN epoch_us(l.next_at)
         WHEN date_diff('second', p.last_at, (SELECT max(observed_at) FROM runs)) > 60 * CAST($5 AS BIGINT)
         THEN epoch_us(p.last_at) END AS until,
    p.readings, p.lowest, b.uptime_before, p.status,
    e.model, e.variant, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, f.provider, f.tag, m.model_id
FROM episode p
LEFT JOIN later l ON l.endpoint_no = p.endpoint_no AND l.first_at = p.first_at
LEFT JOIN earlier b ON b.endpoint_no = p.endpoint_no AND b.first_at = p.first_at
JOIN endpoint e ON e.endpoint_no = p.endpoint_no
LEFT JOIN endpoint_history f ON f.endpoint_no = p.endpoint_no AND f.valid_from <= p.first_at
    AND coalesce(f.valid_to, TIMESTAMP '9999-12-31') > p.first_at
LEFT JOIN (
    SELECT model, variant, max_by(model_id, valid_from) AS model_id FROM model_history
    WHERE valid_from <= CAST($3 AS TIMESTAMP) GROUP BY ALL
) m ON m.model = e.model AND m.variant = e.variant
ORDER BY p.first_at DESC, p.endpoint_no
