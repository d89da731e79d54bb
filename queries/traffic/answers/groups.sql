-- Calls, failures, tokens and the quality of answers, by group.
SELECT
    g,
    any_value(g_model) AS model,
    any_value(g_provider) AS provider,
    any_value(g_value) AS value,
    any_value(provider_key) AS provider_key,
    any_value(provider_tag) AS provider_tag,
    coalesce(bool_and(model_is_known), false) AS model_is_known,
    CASE WHEN min(endpoint_id) = max(endpoint_id) THEN min(endpoint_id) END AS endpoint_id,
    count(*) FILTER (NOT is_replay) AS calls,
    count(*) FILTER (is_replay) AS replays,
    min("at") AS first_at,
    max("at") AS last_at,
    count(*) FILTER (NOT is_replay AND states_failures) AS stating,
    count(*) FILTER (NOT is_replay AND states_failures AND is_failure) AS failures,
    count(*) FILTER (NOT is_replay AND status = 'rate_limited') AS rate_limited,
    count(*) FILTER (NOT is_replay AND status = 'timeout') AS timeouts,
    count(*) FILTER (NOT is_replay AND status = 'cancelled') AS cancelled,
    count(*) FILTER (NOT is_replay AND status = 'refused') AS refused,
    count(*) FILTER (NOT is_replay AND status = 'error' AND http >= 500) AS server_errors,
    count(*) FILTER (NOT is_replay AND status = 'error' AND http BETWEEN 400 AND 499) AS client_errors,
    count(*) FILTER (NOT is_replay AND status = 'error' AND (http IS NULL OR http < 400)) AS other_errors,
    CAST(sum(prompt) FILTER (NOT is_replay) AS BIGINT) AS prompt,
    CAST(sum(read) FILTER (NOT is_replay) AS BIGINT) AS read,
    CAST(sum(prompt) FILTER (NOT is_replay AND read IS NOT NULL) AS BIGINT) AS prompt_with_read,
    sum(cache_saving) FILTER (NOT is_replay) AS cache_saving,
    CAST(sum(read) FILTER (NOT is_replay AND cache_saving IS NULL) AS BIGINT) AS read_without_saving,
    CAST(sum(written) FILTER (NOT is_replay) AS BIGINT) AS written,
    CAST(sum(output) FILTER (NOT is_replay) AS BIGINT) AS output,
    CAST(sum(reasoning) FILTER (NOT is_replay) AS BIGINT) AS reasoning,
    count(*) FILTER (NOT is_replay AND paid IS NULL) AS unpriced,
    count(*) FILTER (NOT is_replay AND NOT is_failure) AS answered,
    count(*) FILTER (NOT is_replay AND NOT is_failure AND NOT is_empty AND NOT is_reasoning_only
        AND (finish IS NULL OR finish IN ('stop', 'tool_calls', 'end_turn', 'tool_use', 'stop_sequence', 'function_call',
            'completed', 'tool-calls', 'eos'))) AS successful,
    count(*) FILTER (NOT is_replay AND NOT is_failure AND finish IS NULL) AS finish_not_recorded,
    count(*) FILTER (NOT is_replay AND NOT is_failure AND is_empty) AS empty,
    count(*) FILTER (NOT is_replay AND NOT is_failure AND is_reasoning_only) AS reasoning_only,
    count(*) FILTER (NOT is_replay AND NOT is_failure AND finish IN ('length', 'max_tokens', 'max_output_tokens'))
        AS cut_off
FROM scope
WHERE wanted AND aggregated IS NULL
GROUP BY g
