-- The counts of the accepted runs in [from, to), oldest first. Parameters: from, to.
WITH runs AS MATERIALIZED (
    SELECT run_no, observed_at, endpoints, readings FROM run
    WHERE observed_at >= CAST($1 AS TIMESTAMP) AND observed_at < CAST($2 AS TIMESTAMP)
      AND status NOT IN ('failed', 'suspect')
), tokens AS (
    SELECT run_no, sum(tokens) AS tokens FROM reading JOIN runs USING (run_no) GROUP BY run_no
), models AS (
    SELECT run_no, count(*) AS models
    FROM runs JOIN model_history m
        ON m.valid_from <= runs.observed_at AND coalesce(m.valid_to, TIMESTAMP '9999-12-31') > runs.observed_at
    GROUP BY run_no
)
SELECT observed_at, coalesce(models, 0) AS models, endpoints, readings, CAST(coalesce(tokens, 0) AS DOUBLE) AS tokens
FROM runs LEFT JOIN tokens USING (run_no) LEFT JOIN models USING (run_no)
ORDER BY observed_at
