-- Removes the readings of the UTC days in [from, to] that are not in `kept_reading`. Parameters: from, to (dates).
DELETE FROM stored_reading
WHERE run_no IN (
    SELECT run_no FROM run WHERE CAST(observed_at AS DATE) BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
  )
  AND NOT EXISTS (
    SELECT 1 FROM kept_reading k
    WHERE k.run_no = stored_reading.run_no AND k.endpoint_no = stored_reading.endpoint_no
  )
