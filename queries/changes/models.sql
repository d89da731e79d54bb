-- Models that were listed or are no longer listed. Parameters: as_of.
-- The first run lists all models for the first time: nothing appears. A list of which some rows could not be read proves
-- no absence, and a model that was absent only from such lists does not appear afterwards.
WITH bounds AS (
    SELECT min(observed_at) AS first FROM run WHERE status NOT IN ('failed', 'suspect')
), unreadable AS (
    SELECT run.observed_at FROM quarantine q JOIN run USING (run_no)
    WHERE q.kind = 'models' AND q.reason IN ('undecodable', 'value_missing') GROUP BY ALL
), rows_of AS (
    SELECT model, variant, model_id, valid_from,
        CASE WHEN valid_to <= CAST($1 AS TIMESTAMP) THEN valid_to END AS valid_to,
        lag(valid_to) OVER in_turn AS was_to,
        lead(valid_from) OVER in_turn AS next_from
    FROM model_history
    WHERE valid_from <= CAST($1 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY model_id ORDER BY valid_from)
)
SELECT valid_from AS at, true AS is_listed, was_to AS absent_since, model, variant, model_id
FROM rows_of, bounds
WHERE valid_from > bounds.first
  AND (was_to IS NULL OR was_to < valid_from AND was_to NOT IN (SELECT observed_at FROM unreadable))
UNION ALL
SELECT valid_to, false, NULL, model, variant, model_id
FROM rows_of
WHERE valid_to IS NOT NULL AND (next_from IS NULL OR next_from > valid_to)
  AND valid_to NOT IN (SELECT observed_at FROM unreadable)
ORDER BY 1, model_id
