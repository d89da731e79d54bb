-- The sums from which the own hit rates and their intervals clustered by session are computed: by group, and in all with
-- `g` null. A call without a session is a cluster of its own.
WITH steps AS (
    SELECT
        g,
        wanted,
        prompt,
        read,
        output,
        coalesce(cluster, hash(file_id, line)) AS one,
        thread IS NOT NULL AS has_session,
        lag(prompt) OVER in_order AS before_prompt,
        lag(output) OVER in_order AS output_1,
        lag(output, 2) OVER in_order AS output_2,
        lag(output, 3) OVER in_order AS output_3
    FROM scope
    WHERE prompt IS NOT NULL AND NOT is_replay AND aggregated IS NULL
    WINDOW in_order AS (
        PARTITION BY coalesce(thread, hash(file_id, line)) ORDER BY "at" NULLS LAST, file_id, line)
),
clusters AS (
    SELECT
        g,
        one,
        bool_or(has_session) AS has_session,
        count(read) AS calls,
        coalesce(sum(read), 0) AS read,
        coalesce(sum(prompt) FILTER (read IS NOT NULL), 0) AS prompt,
        coalesce(sum(read) FILTER (before_prompt IS NOT NULL), 0) AS later_read,
        coalesce(sum(prompt) FILTER (read IS NOT NULL AND before_prompt IS NOT NULL), 0) AS later_prompt,
        count(*) FILTER (read > 0) AS hits,
        coalesce(sum(before_prompt) FILTER (read IS NOT NULL AND prompt >= before_prompt), 0) AS reusable,
        coalesce(sum(least(read, before_prompt)) FILTER (prompt >= before_prompt), 0) AS reused,
        count(*) FILTER (output >= 16 AND output = output_1 AND output = output_2 AND output = output_3) AS frozen
    FROM steps
    WHERE wanted
    GROUP BY g, one
),
all_together AS (
    SELECT
        CAST(NULL AS BIGINT) AS g,
        one,
        bool_or(has_session) AS has_session,
        sum(calls) AS calls,
        sum(read) AS read,
        sum(prompt) AS prompt,
        sum(later_read) AS later_read,
        sum(later_prompt) AS later_prompt,
        sum(hits) AS hits,
        sum(reusable) AS reusable,
        sum(reused) AS reused,
        sum(frozen) AS frozen
    FROM clusters
    GROUP BY one
)
SELECT
    g,
    CAST(sum(calls) AS BIGINT) AS calls,
    CAST(coalesce(sum(calls) FILTER (NOT has_session), 0) AS BIGINT) AS without_session,
    count(*) FILTER (has_session) AS sessions,
    count(*) FILTER (calls > 0) AS clusters,
    CAST(sum(read) AS BIGINT) AS read,
    CAST(sum(prompt) AS BIGINT) AS prompt,
    sum(CAST(read AS DOUBLE) * CAST(read AS DOUBLE)) AS read_read,
    sum(CAST(read AS DOUBLE) * CAST(prompt AS DOUBLE)) AS read_prompt,
    sum(CAST(prompt AS DOUBLE) * CAST(prompt AS DOUBLE)) AS prompt_prompt,
    CAST(sum(later_read) AS BIGINT) AS later_read,
    CAST(sum(later_prompt) AS BIGINT) AS later_prompt,
    CAST(sum(hits) AS BIGINT) AS hits,
    CAST(sum(reusable) AS BIGINT) AS reusable,
    CAST(sum(reused) AS BIGINT) AS reused,
    CAST(sum(frozen) AS BIGINT) AS frozen
FROM (FROM clusters UNION ALL FROM all_together)
GROUP BY g
