-- UTC days with an accepted run, and the time of the last one. Parameters: after, before (dates, exclusive).
SELECT CAST(CAST(observed_at AS DATE) - DATE '1970-01-01' AS BIGINT) AS day, epoch_us(max(observed_at)) AS closing
FROM run
WHERE status NOT IN ('failed', 'suspect') AND CAST(observed_at AS DATE) > CAST($1 AS DATE) AND CAST(observed_at AS DATE) < CAST($2 AS DATE)
GROUP BY CAST(observed_at AS DATE)
ORDER BY day
