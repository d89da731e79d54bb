-- How often session ids occur on the platforms of a file that is being imported, with the calls of its source that are
-- there: the number of calls with an id, and of ids that occur once. Then, for platforms with few calls, what was decided
-- for the last call, and whether the decision over the rows that are there can differ from what is stored.
WITH there AS (
    SELECT c.platform, c.given_session AS id, c.session_kind, c."at"
    FROM call c
    WHERE c.given_session IS NOT NULL
        AND c.aggregated IS NULL
        AND NOT c.gateway_cache_hit
        AND c.file_id IN (SELECT file_id FROM log_file WHERE source = $1)
        AND (c."at" IS NULL OR c."at" BETWEEN CAST($2 AS TIMESTAMP) AND CAST($3 AS TIMESTAMP))
), ids AS (
    SELECT platform, id, count(*) AS calls
    FROM (SELECT platform, id FROM there UNION ALL SELECT platform, id FROM arriving WHERE id IS NOT NULL)
    GROUP BY ALL
), stored AS (
    SELECT
        platform,
        count(*) FILTER (session_kind = 'given') AS as_given,
        count(*) FILTER (session_kind <> 'given') AS as_requests
    FROM there
    GROUP BY platform
), earlier AS (
    SELECT c.platform, arg_max(c.session_kind, c."at") <> 'given' AS were_requests
    FROM call c
    WHERE c.given_session IS NOT NULL
        AND c.aggregated IS NULL
        AND c.file_id IN (SELECT file_id FROM log_file WHERE source = $1)
    GROUP BY c.platform
)
SELECT
    p.platform,
    CAST(coalesce(sum(i.calls), 0) AS BIGINT) AS calls,
    count(*) FILTER (i.calls = 1) AS once,
    coalesce(any_value(e.were_requests), false) AS were_requests,
    coalesce(any_value(s.as_given), 0) AS as_given,
    coalesce(any_value(s.as_requests), 0) AS as_requests
FROM (SELECT DISTINCT platform FROM arriving) p
LEFT JOIN ids i ON i.platform IS NOT DISTINCT FROM p.platform
LEFT JOIN stored s ON s.platform IS NOT DISTINCT FROM p.platform
LEFT JOIN earlier e ON e.platform IS NOT DISTINCT FROM p.platform
GROUP BY p.platform
ORDER BY p.platform
