-- The facts of the endpoints that changed, appeared or went since the first run: the rows of each endpoint in turn.
-- Parameters: as_of, the time from which readings are looked up.
-- `facts_known` is whether the row before could have the facts that older versions did not read (V0005): the first run
-- of a version that reads them opens new rows, and nothing has happened.
-- `may_appear` is whether a row that follows none, or follows a gap, is an appearance. What the first run saw did not
-- appear then. Neither did an endpoint of a model whose list the first runs did not answer: until the first complete run,
-- for at most a day, only the endpoints of a model with known endpoints and those of a new model appear.
WITH bounds AS (
    SELECT min(observed_at) AS first,
        least(min(observed_at) FILTER (WHERE status = 'ok'), min(observed_at) + INTERVAL 1 DAY) AS settled
    FROM run WHERE status NOT IN ('failed', 'suspect')
), rows_of AS (
    SELECT * REPLACE (CASE WHEN valid_to <= CAST($1 AS TIMESTAMP) THEN valid_to END AS valid_to),
        lag(valid_from) OVER in_turn AS was_from,
        count(*) OVER (PARTITION BY endpoint_no) AS versions
    FROM endpoint_history
    WHERE valid_from <= CAST($1 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY valid_from)
), changed AS MATERIALIZED (
    SELECT rows_of.* FROM rows_of, bounds
    WHERE versions > 1 OR valid_to IS NOT NULL OR valid_from > bounds.first
), seen AS (
    SELECT r.endpoint_no, run.observed_at
    FROM reading r JOIN run USING (run_no)
    WHERE r.endpoint_no IN (SELECT endpoint_no FROM changed WHERE valid_from >= CAST($2 AS TIMESTAMP))
      AND run.observed_at >= CAST($2 AS TIMESTAMP) AND run.status NOT IN ('failed', 'suspect')
), dated AS (
    SELECT c.*, seen.observed_at AS last_read
    FROM changed c
    ASOF LEFT JOIN seen ON c.endpoint_no = seen.endpoint_no AND c.valid_from > seen.observed_at
), known AS (
    SELECT least(
        (SELECT min(valid_from) FROM endpoint_history
         WHERE max_prompt_tokens IS NOT NULL OR deprecation_date IS NOT NULL OR created_at IS NOT NULL),
        (SELECT min(valid_from) FROM price_history WHERE list_cache_write_1h IS NOT NULL)) AS since
), pairs AS (
    SELECT model, variant, min(first_seen) AS first_endpoint FROM endpoint GROUP BY ALL
), names AS (
    SELECT model, variant, valid_from, min(model_id) AS model_id FROM model_history GROUP BY ALL
), listed AS (
    SELECT model, variant, min(valid_from) AS first_listed FROM model_history GROUP BY ALL
)
SELECT d.* EXCLUDE (was_from, versions), CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant, n.model_id,
    coalesce(d.was_from >= known.since OR d.last_read >= known.since, true) AS facts_known,
    d.valid_from > bounds.first
        AND coalesce(p.first_endpoint < d.valid_from OR l.first_listed > bounds.first OR d.valid_from > bounds.settled, false)
        AS may_appear
FROM bounds, known, dated d
JOIN endpoint e USING (endpoint_no)
JOIN pairs p ON p.model = e.model AND p.variant = e.variant
LEFT JOIN listed l ON l.model = e.model AND l.variant = e.variant
ASOF LEFT JOIN names n ON n.model = e.model AND n.variant = e.variant AND d.valid_from >= n.valid_from
ORDER BY e.model, e.variant, endpoint_id, d.valid_from
