-- Finds the previous call of the same session and agent again, for the sessions of the temporary table `touched`. Replays,
-- sums, calls without a session and calls without a prompt have none and are none.
UPDATE call
SET before_prompt = found.before_prompt, before_at = found.before_at, is_frozen = found.is_frozen
FROM (
    SELECT
        place,
        lag(prompt) OVER in_order AS before_prompt,
        lag("at") OVER in_order AS before_at,
        coalesce(output >= 16 AND output = lag(output) OVER in_order AND output = lag(output, 2) OVER in_order
            AND output = lag(output, 3) OVER in_order, false) AS is_frozen
    FROM (
        SELECT
            c.rowid AS place,
            c.file_id,
            c.line,
            c."at",
            CASE WHEN c.agent IS NULL THEN hash(c.session) ELSE hash(c.session, c.agent) END AS thread,
            coalesce(c.uncached, 0) + coalesce(c.read, 0) + coalesce(c.write, 0) + coalesce(c.write_5m, 0)
                + coalesce(c.write_1h, 0) AS prompt,
            CASE WHEN coalesce(c.output_text, c.reasoning) IS NOT NULL
                THEN coalesce(c.output_text, 0) + coalesce(c.reasoning, 0) END AS output
        FROM call c
        WHERE c.session_kind NOT IN ('none', 'given_per_request')
            AND hash(c.session) IN (SELECT session FROM touched)
            AND coalesce(c.uncached, c.read, c.write, c.write_5m, c.write_1h) IS NOT NULL
            AND NOT c.gateway_cache_hit
            AND c.aggregated IS NULL
    )
    WINDOW in_order AS (PARTITION BY thread ORDER BY "at" NULLS LAST, file_id, line)
) AS found
WHERE call.rowid = found.place
    AND (call.before_prompt IS DISTINCT FROM found.before_prompt
        OR call.before_at IS DISTINCT FROM found.before_at
        OR call.is_frozen IS DISTINCT FROM found.is_frozen)
