-- The sums from which the own hit rates and their intervals clustered by session are computed: by group, and in all with
-- `g` null. A call without a session is a cluster of its own: the rows with `cluster` null hold all of them, with sums of
-- squares over calls.
WITH clusters AS (
    SELECT
        g,
        cluster,
        count(read) AS calls,
        coalesce(sum(read), 0) AS read,
        coalesce(sum(prompt) FILTER (read IS NOT NULL), 0) AS prompt,
        coalesce(sum(read) FILTER (before_prompt IS NOT NULL), 0) AS later_read,
        coalesce(sum(prompt) FILTER (read IS NOT NULL AND before_prompt IS NOT NULL), 0) AS later_prompt,
        count(*) FILTER (read > 0) AS hits,
        coalesce(sum(before_prompt) FILTER (read IS NOT NULL AND prompt >= before_prompt), 0) AS reusable,
        coalesce(sum(least(read, before_prompt)) FILTER (read IS NOT NULL AND prompt >= before_prompt), 0) AS reused,
        count(*) FILTER (is_frozen) AS frozen,
        sum(CAST(read AS DOUBLE) * CAST(read AS DOUBLE)) FILTER (cluster IS NULL) AS read_read,
        sum(CAST(read AS DOUBLE) * CAST(prompt AS DOUBLE)) FILTER (cluster IS NULL) AS read_prompt,
        sum(CAST(prompt AS DOUBLE) * CAST(prompt AS DOUBLE)) FILTER (cluster IS NULL AND read IS NOT NULL)
            AS prompt_prompt
    FROM scope
    WHERE wanted AND prompt IS NOT NULL AND NOT is_replay AND aggregated IS NULL
    GROUP BY g, cluster
),
all_together AS (
    SELECT
        CAST(NULL AS BIGINT) AS g,
        cluster,
        sum(calls) AS calls,
        sum(read) AS read,
        sum(prompt) AS prompt,
        sum(later_read) AS later_read,
        sum(later_prompt) AS later_prompt,
        sum(hits) AS hits,
        sum(reusable) AS reusable,
        sum(reused) AS reused,
        sum(frozen) AS frozen,
        sum(read_read) AS read_read,
        sum(read_prompt) AS read_prompt,
        sum(prompt_prompt) AS prompt_prompt
    FROM clusters
    GROUP BY cluster
)
SELECT
    g,
    CAST(sum(calls) AS BIGINT) AS calls,
    CAST(coalesce(sum(calls) FILTER (cluster IS NULL), 0) AS BIGINT) AS without_session,
    count(cluster) AS sessions,
    CAST(count(*) FILTER (calls > 0 AND cluster IS NOT NULL) + coalesce(sum(calls) FILTER (cluster IS NULL), 0) AS BIGINT)
        AS clusters,
    CAST(sum(read) AS BIGINT) AS read,
    CAST(sum(prompt) AS BIGINT) AS prompt,
    coalesce(sum(CASE WHEN cluster IS NULL THEN read_read ELSE CAST(read AS DOUBLE) * CAST(read AS DOUBLE) END), 0)
        AS read_read,
    coalesce(sum(CASE WHEN cluster IS NULL THEN read_prompt ELSE CAST(read AS DOUBLE) * CAST(prompt AS DOUBLE) END), 0)
        AS read_prompt,
    coalesce(sum(CASE WHEN cluster IS NULL THEN prompt_prompt ELSE CAST(prompt AS DOUBLE) * CAST(prompt AS DOUBLE) END), 0)
        AS prompt_prompt,
    CAST(sum(later_read) AS BIGINT) AS later_read,
    CAST(sum(later_prompt) AS BIGINT) AS later_prompt,
    CAST(sum(hits) AS BIGINT) AS hits,
    CAST(sum(reusable) AS BIGINT) AS reusable,
    CAST(sum(reused) AS BIGINT) AS reused,
    CAST(sum(frozen) AS BIGINT) AS frozen
FROM (FROM clusters UNION ALL FROM all_together)
GROUP BY g
