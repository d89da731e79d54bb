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
    SELECT file_id, sum(calls) AS calls, sum(calls) FILTER (day IS NULL) AS without_time
    FROM tally
    WHERE NOT is_sum AND NOT is_replay
    GROUP BY ALL
) AS n USING (file_id)
GROUP BY ALL
ORDER BY f.source, f.format
