-- The calls of other sources on the platforms and in the time of the calls that are being imported, by kind of id.
WITH span AS (
    SELECT platform, min("at") - INTERVAL 2 SECOND AS first_at, max("at") + INTERVAL 2 SECOND AS last_at
    FROM incoming
    GROUP BY platform
)
SELECT
    f.source,
    s.platform,
    CASE WHEN c.id IS NULL THEN 'position' ELSE c.id_kind END AS id_kind,
    min(c."at") - INTERVAL 2 SECOND AS first_at,
    max(c."at") + INTERVAL 2 SECOND AS last_at
FROM call c
JOIN log_file f ON f.file_id = c.file_id
JOIN span s ON s.platform = regexp_replace(c.platform, '^litellm:', '')
WHERE f.source <> $1 AND c.aggregated IS NULL AND c."at" BETWEEN s.first_at AND s.last_at
GROUP BY ALL
ORDER BY ALL
