-- For each day before the UTC day of a time, keeps the aggregates of the last run that reported any; the others are in
-- the archive. Parameter: the time.
DELETE FROM model_usage
WHERE run_no IN (
    SELECT run_no FROM run
    WHERE CAST(observed_at AS DATE) < CAST(CAST($1 AS TIMESTAMP) AS DATE)
      AND run_no NOT IN (
        SELECT max(run_no) FROM run
        WHERE run_no IN (SELECT run_no FROM model_usage)
        GROUP BY CAST(observed_at AS DATE)
      )
  )
