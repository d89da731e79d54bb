-- Judged calls by group, cause (null if the call is not a miss) and class of the pause.
SELECT
    g,
    CASE WHEN is_miss THEN cause END AS cause,
    gap,
    count(*) AS calls,
    count(*) FILTER (read > 0) AS hits,
    CAST(sum(reusable) AS BIGINT) AS reusable,
    CAST(sum(unread) AS BIGINT) AS unread,
    count(*) FILTER (unread > 0) AS with_unread
FROM judged
GROUP BY g, CASE WHEN is_miss THEN cause END, gap
