-- The recommendations of each model before a day: how many of the days from another day on have one, on how many of these
-- it differs from the one before, the last one, and the first day of the last one. Days on which it was withheld are
-- ignored. The order of the tags does not matter: the router spreads the requests over all of them.
-- Parameters: method version, mode, workload, the day on which counting begins, the day before which it ends.
WITH given AS (
    SELECT model, variant, day, endpoints, lag(endpoints) OVER (PARTITION BY model, variant ORDER BY day) AS before
    FROM recommendation
    WHERE method_version = $1 AND mode = $2 AND workload = $3 AND day < CAST($5 AS DATE) AND endpoints <> '[]'
), compared AS (
    SELECT model, variant, day, endpoints, before IS NULL AS is_first,
        CASE WHEN endpoints = before THEN FALSE
             ELSE list_sort(CAST(CAST(endpoints AS JSON) AS VARCHAR[]))
                 IS DISTINCT FROM list_sort(CAST(CAST(before AS JSON) AS VARCHAR[])) END AS is_new
    FROM given
)
SELECT model, variant,
    count(*) FILTER (day >= CAST($4 AS DATE)) AS days,
    count(*) FILTER (day >= CAST($4 AS DATE) AND is_new AND NOT is_first) AS changes,
    CAST(max(day) FILTER (is_new) - DATE '1970-01-01' AS BIGINT) AS since,
    max_by(endpoints, day) AS endpoints
FROM compared
GROUP BY model, variant
HAVING count(*) FILTER (day >= CAST($4 AS DATE)) > 0
