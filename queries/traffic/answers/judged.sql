-- The calls whose hits can be judged, with the previous call of their session, whether they missed and why. `misses.sql`
-- and the other queries on misses read it as `judged`. It reads `hosts`: for each group the lifetime of the cache in
-- seconds, the minimum prompt in tokens and the price of an unread token.
SELECT
    *,
    CASE WHEN prompt >= before_prompt THEN before_prompt ELSE 0 END AS reusable,
    CASE WHEN prompt >= before_prompt THEN greatest(before_prompt - read, 0) ELSE 0 END AS unread,
    read < 0.5 * least(prompt, coalesce(before_prompt, prompt)) AS is_miss,
    CASE
        WHEN before_prompt IS NULL THEN 0
        WHEN prompt < minimum THEN 1
        WHEN model_no <> before_model THEN 2
        WHEN host_no <> before_host THEN 3
        WHEN pause > lifetime THEN 4
        WHEN prompt < before_prompt THEN 5
        ELSE 6
    END AS cause,
    CASE
        WHEN pause < 60 THEN 0
        WHEN pause < 300 THEN 1
        WHEN pause < 600 THEN 2
        WHEN pause <= 3600 THEN 3
        WHEN pause > 3600 THEN 4
    END AS gap
FROM (
    SELECT
        g,
        wanted,
        thread,
        "at",
        line,
        prompt,
        read,
        model_no,
        host_no,
        lag(prompt) OVER in_order AS before_prompt,
        lag(model_no) OVER in_order AS before_model,
        lag(host_no) OVER in_order AS before_host,
        epoch("at") - epoch(lag("at") OVER in_order) AS pause
    FROM (
        SELECT
            *,
            CASE WHEN model IS NOT NULL THEN hash(model) END AS model_no,
            CASE WHEN host IS NOT NULL THEN hash(host) END AS host_no
        FROM scope
        WHERE thread IS NOT NULL AND prompt IS NOT NULL AND NOT is_replay AND aggregated IS NULL
    )
    WINDOW in_order AS (PARTITION BY thread ORDER BY "at" NULLS LAST, file_id, line)
)
LEFT JOIN hosts USING (g)
WHERE wanted AND read IS NOT NULL
