-- The previous call of the same session and agent, found when a file is imported: reports need not sort all calls.
ALTER TABLE call ADD COLUMN before_prompt BIGINT; -- Prompt tokens of the previous call of the session and agent.
ALTER TABLE call ADD COLUMN before_at TIMESTAMP; -- Time of that call, UTC.
ALTER TABLE call ADD COLUMN is_frozen BOOLEAN; -- Whether it is at least the fourth answer in a row with the same output tokens, 16 or more.

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
            AND coalesce(c.uncached, c.read, c.write, c.write_5m, c.write_1h) IS NOT NULL
            AND NOT c.gateway_cache_hit
            AND c.aggregated IS NULL
    )
    WINDOW in_order AS (PARTITION BY thread ORDER BY "at" NULLS LAST, file_id, line)
) AS found
WHERE call.rowid = found.place;
