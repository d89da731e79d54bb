-- The recommendations of each model on the days in [from, to], as recorded by one way of making them. An empty list of
-- endpoints is a recommendation that was withheld. Parameters: method version, mode, workload, from, to (dates).
SELECT model, variant, CAST(day - DATE '1970-01-01' AS INTEGER) AS day, endpoints
FROM recommendation
WHERE method_version = $1 AND mode = $2 AND workload = $3
  AND day BETWEEN CAST($4 AS DATE) AND CAST($5 AS DATE)
ORDER BY model, variant, day
