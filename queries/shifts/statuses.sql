-- Lasting changes of the upstream's status that began in [from, to): a status counts if enough consecutive readings show
-- it over enough hours. Readings during an outage (-5) are left out: outages are listed by themselves. Only runs up to
-- as_of count. Parameters: from, to, as_of, the least number of readings, the least number of hours.
WITH runs AS MATERIALIZED (
    -- Two weeks earlier, for the status before.
    SELECT run_no, observed_at FROM run
    WHERE observed_at >= CAST($1 AS TIMESTAMP) - INTERVAL 14 DAY AND observed_at <= CAST($3 AS TIMESTAMP)
        AND status NOT IN ('failed', 'suspect')
), stated AS MATERIALIZED (
    SELECT r.endpoint_no, runs.observed_at, CAST(r.status AS INTEGER) AS status
    FROM runs JOIN reading r USING (run_no)
    WHERE r.status IS NOT NULL AND r.status <> -5
), moving AS (
    -- Most endpoints never change: only the others are put in order.
    SELECT * FROM stated
    WHERE endpoint_no IN (SELECT endpoint_no FROM stated GROUP BY endpoint_no HAVING min(status) < max(status))
), compared AS (
    SELECT *, lag(status) OVER in_turn IS DISTINCT FROM status AS is_first
    FROM moving
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY observed_at)
), numbered AS (
    SELECT *, count(*) FILTER (is_first) OVER (PARTITION BY endpoint_no ORDER BY observed_at) AS number FROM compared
), lasting AS (
    SELECT endpoint_no, min(observed_at) AS first_at, max(observed_at) AS last_at, count(*) AS readings,
        any_value(status) AS status
    FROM numbered
    GROUP BY endpoint_no, number
    HAVING count(*) >= CAST($4 AS BIGINT)
        AND date_diff('second', min(observed_at), max(observed_at)) >= 3600 * CAST($5 AS BIGINT)
), followed AS (
    SELECT *, lag(status) OVER (PARTITION BY endpoint_no ORDER BY first_at) AS status_before FROM lasting
)
SELECT epoch_us(s.first_at) AS at, CAST(s.status_before AS BIGINT) AS status_before, CAST(s.status AS BIGINT) AS status,
    s.readings, date_diff('second', s.first_at, s.last_at) // 3600 AS hours,
    e.model, e.variant, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, f.provider, f.tag, m.model_id
FROM followed s
JOIN endpoint e ON e.endpoint_no = s.endpoint_no
LEFT JOIN endpoint_history f ON f.endpoint_no = s.endpoint_no AND f.valid_from <= s.first_at
    AND coalesce(f.valid_to, TIMESTAMP '9999-12-31') > s.first_at
LEFT JOIN (
    SELECT model, variant, max_by(model_id, valid_from) AS model_id FROM model_history
    WHERE valid_from <= CAST($3 AS TIMESTAMP) GROUP BY ALL
) m ON m.model = e.model AND m.variant = e.variant
WHERE s.status_before <> s.status
    AND s.first_at >= CAST($1 AS TIMESTAMP) AND s.first_at < CAST($2 AS TIMESTAMP)
ORDER BY s.first_at DESC, s.endpoint_no
