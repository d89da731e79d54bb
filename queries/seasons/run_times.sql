-- The times of the accepted runs in [from, to], oldest first. Parameters: from (a date), to (a time).
SELECT observed_at
FROM run
WHERE status NOT IN ('failed', 'suspect')
  AND observed_at >= CAST(CAST($1 AS DATE) AS TIMESTAMP) AND observed_at <= CAST($2 AS TIMESTAMP)
ORDER BY observed_at
