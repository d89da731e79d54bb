-- Number and typical size of the sessions.
SELECT
    count(*) FILTER (thread IS NOT NULL) AS sessions,
    CAST(coalesce(sum(turns) FILTER (thread IS NULL), 0) AS BIGINT) AS without_session,
    quantile_cont(CAST(turns AS DOUBLE), 0.5) FILTER (thread IS NOT NULL) AS turns,
    quantile_cont(CAST(prompt AS DOUBLE), 0.5) FILTER (thread IS NOT NULL) AS prompt,
    quantile_cont(seconds, 0.5) FILTER (thread IS NOT NULL) AS seconds,
    quantile_cont(hit_rate, 0.5) FILTER (thread IS NOT NULL) AS hit_rate
FROM (
    SELECT
        thread,
        count(*) AS turns,
        sum(prompt) AS prompt,
        epoch(max("at")) - epoch(min("at")) AS seconds,
        CASE WHEN sum(prompt) FILTER (read IS NOT NULL) > 0
            THEN sum(read) / CAST(sum(prompt) FILTER (read IS NOT NULL) AS DOUBLE) END AS hit_rate
    FROM scope
    WHERE wanted AND NOT is_replay AND aggregated IS NULL
    GROUP BY thread
)
