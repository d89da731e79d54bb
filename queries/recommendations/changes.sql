-- Changes of recommendations on days that had ended before the day of as_of, newest first, with the public names of the
-- models. What counts as a change is the same as in past.sql.
-- Parameters: method version, mode, workload, the day on which the list begins, as_of.
WITH given AS (
    SELECT model, variant, day, closing, endpoints,
        lag(endpoints) OVER (PARTITION BY model, variant ORDER BY day) AS before
    FROM recommendation
    WHERE method_version = $1 AND mode = $2 AND workload = $3 AND day < CAST(CAST($5 AS TIMESTAMP) AS DATE)
      AND endpoints <> '[]'
), moved AS (
    SELECT model, variant, closing, CAST(CAST(endpoints AS JSON) AS VARCHAR[]) AS now_named,
        CAST(CAST(before AS JSON) AS VARCHAR[]) AS then_named
    FROM given
    WHERE day >= CAST($4 AS DATE) AND endpoints <> before
)
SELECT c.closing AS at, c.model, c.variant, m.model_id, CAST(to_json(c.then_named) AS VARCHAR) AS before,
    CAST(to_json(c.now_named) AS VARCHAR) AS after
FROM moved c
JOIN (
    SELECT model, variant, max_by(model_id, valid_from) AS model_id FROM model_history
    WHERE valid_from <= CAST($5 AS TIMESTAMP) GROUP BY ALL
) m ON m.model = c.model AND m.variant = c.variant
WHERE list_sort(c.now_named) IS DISTINCT FROM list_sort(c.then_named)
ORDER BY c.closing DESC, m.model_id, c.variant
