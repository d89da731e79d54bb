-- The imported sources with the calls of the question.
SELECT
    f.source,
    f.format,
    count(*) AS files,
    CAST(coalesce(sum(n.calls), 0) AS BIGINT) AS calls,
    CAST(coalesce(sum(n.without_time), 0) AS BIGINT) AS without_time,
    bool_and(f.states_failures) AS states_failures
FROM log_file f
LEFT JOIN (
    SELECT file_id, count(*) AS calls, count(*) FILTER ("at" IS NULL) AS without_time
    FROM scope
    WHERE wanted AND aggregated IS NULL AND NOT is_replay
    GROUP BY ALL
) AS n USING (file_id)
GROUP BY ALL
ORDER BY f.source, f.format
