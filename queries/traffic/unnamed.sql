-- The calls of a source and platform whose session may change when others are added.
SELECT
    c.rowid AS place, c.file_id, c.line, CASE WHEN c.session_kind <> 'guessed' THEN c.id END AS id,
    c."at" AS called_at, c.session, c.session_kind, c.given_session,
    coalesce(c.model_served, c.model_sent) AS model,
    CASE WHEN coalesce(c.uncached, c.read, c.write, c.write_5m, c.write_1h) IS NOT NULL
        THEN coalesce(c.uncached, 0) + coalesce(c.read, 0) + coalesce(c.write, 0) + coalesce(c.write_5m, 0)
            + coalesce(c.write_1h, 0) END AS prompt,
    coalesce(c.output_text, 0) + coalesce(c.reasoning, 0) AS output,
    NOT c.gateway_cache_hit AND c.status IN ('ok', 'unknown') AS is_answered
FROM call c
WHERE c.aggregated IS NULL
    AND c.file_id IN (SELECT file_id FROM log_file WHERE source = $1)
    AND c.platform IS NOT DISTINCT FROM $2
    AND (
        c."at" BETWEEN CAST($3 AS TIMESTAMP) AND CAST($4 AS TIMESTAMP)
        OR c."at" IS NULL AND ($6 IS NULL OR c.file_id = CAST($6 AS BIGINT))
    )
    AND (c.session_kind IN ('none', 'guessed', 'given_per_request') OR $5 AND c.given_session IS NOT NULL)
