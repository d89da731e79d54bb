-- The rows of `tally` that are no sums, with their groups; $1 is what to group by, as in `scope.sql`. The queries on groups
-- read it as `grouped`.
SELECT
    *,
    CASE WHEN is_replay THEN 0 ELSE calls END AS sent,
    -- The same number as in `scope.sql`.
    CAST(hash(g_model, g_provider, g_value) >> 1 AS BIGINT) AS g,
    NOT is_failure AND NOT is_empty AND NOT is_reasoning_only
        AND (finish IS NULL OR finish IN ('stop', 'tool_calls', 'end_turn', 'tool_use', 'stop_sequence', 'function_call',
            'completed', 'tool-calls', 'eos')) AS is_success
FROM (
    SELECT
        *,
        CASE WHEN $1 IN ('endpoint', 'model') THEN model END AS g_model,
        CASE WHEN $1 IN ('endpoint', 'provider') THEN provider END AS g_provider,
        CASE $1
            WHEN 'platform' THEN platform
            WHEN 'key' THEN key
            WHEN 'app' THEN app
            WHEN 'source' THEN source
            WHEN 'month' THEN strftime(day, '%Y-%m')
            WHEN 'day' THEN strftime(day, '%Y-%m-%d')
        END AS g_value
    FROM tally
    WHERE NOT is_sum
)
