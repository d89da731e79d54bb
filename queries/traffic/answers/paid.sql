-- What was paid and what it bought, by group and kind of money.
SELECT
    g,
    paid_kind AS kind,
    sum(paid) AS usd,
    count(paid) AS calls,
    count(*) FILTER (is_success) AS successes,
    CAST(sum(output) FILTER (is_success) AS BIGINT) AS output_tokens
FROM (
    SELECT
        *,
        NOT is_failure AND NOT is_empty AND NOT is_reasoning_only
            AND (finish IS NULL OR finish IN ('stop', 'tool_calls', 'end_turn', 'tool_use', 'stop_sequence',
                'function_call', 'completed', 'tool-calls', 'eos')) AS is_success
    FROM scope
    WHERE wanted AND aggregated IS NULL AND NOT is_replay AND paid IS NOT NULL
)
GROUP BY g, paid_kind
