-- One row for each model, provider and UTC day: hit rate and typical sizes (geometric means).
SELECT
    model,
    provider,
    day,
    CAST(sum(calls) AS BIGINT) AS calls,
    CAST(sum(with_read) AS BIGINT) AS with_read,
    CAST(coalesce(sum(read), 0) AS BIGINT) AS read,
    CAST(coalesce(sum(prompt_with_read), 0) AS BIGINT) AS prompt,
    CAST(sum(prompts) AS BIGINT) AS prompts,
    CASE WHEN sum(prompts) > 0 THEN exp(sum(prompt_ln) / sum(prompts)) END AS typical_prompt,
    CAST(sum(outputs) AS BIGINT) AS outputs,
    CASE WHEN sum(outputs) > 0 THEN exp(sum(output_ln) / sum(outputs)) END AS typical_output
FROM tally
WHERE NOT is_sum AND NOT is_replay AND day IS NOT NULL
GROUP BY model, provider, day
ORDER BY model, provider, day
