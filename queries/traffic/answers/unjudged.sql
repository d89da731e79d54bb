-- Calls whose hits cannot be judged, by reason.
SELECT
    count(*) AS calls,
    count(*) FILTER (thread IS NULL) AS without_session,
    count(*) FILTER (thread IS NOT NULL AND prompt IS NULL) AS without_prompt,
    count(*) FILTER (thread IS NOT NULL AND prompt IS NOT NULL AND read IS NULL) AS without_read
FROM scope
WHERE wanted AND NOT is_replay AND aggregated IS NULL
