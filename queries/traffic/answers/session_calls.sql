-- All calls of the sessions with the most wanted prompt tokens, in chronological order: without those that are not
-- wanted, the previous call of a session would be another one. $7 is the number of sessions.
SELECT
    top.place,
    s.session,
    s.session_kind AS kind,
    s.agent,
    s.parent_session AS parent,
    s.source,
    s."at" AS time,
    s.model,
    s.provider,
    s.host,
    s.prompt,
    s.read,
    s.output,
    s.paid,
    s.paid_kind,
    s.is_failure
FROM scope AS s
JOIN (
    SELECT thread, row_number() OVER (ORDER BY sum(prompt) DESC NULLS LAST, min("at"), min(line)) AS place
    FROM scope
    WHERE wanted AND NOT is_replay AND aggregated IS NULL AND thread IS NOT NULL
    GROUP BY thread
    QUALIFY place <= CAST($7 AS BIGINT)
) AS top USING (thread)
WHERE NOT s.is_replay AND s.aggregated IS NULL
ORDER BY top.place, s."at" NULLS LAST, s.file_id, s.line
