-- One row for each model, provider and UTC day: hit rate and typical sizes (geometric means).
SELECT
    any_value(model) AS model,
    any_value(provider) AS provider,
    day,
    count(*) AS calls,
    count(read) AS with_read,
    CAST(coalesce(sum(read), 0) AS BIGINT) AS read,
    CAST(coalesce(sum(prompt) FILTER (read IS NOT NULL), 0) AS BIGINT) AS prompt,
    count(*) FILTER (prompt > 0) AS prompts,
    exp(avg(ln(greatest(prompt, 1))) FILTER (prompt > 0)) AS typical_prompt,
    count(*) FILTER (output > 0) AS outputs,
    exp(avg(ln(greatest(output, 1))) FILTER (output > 0)) AS typical_output
FROM scope
WHERE wanted AND aggregated IS NULL AND NOT is_replay AND day IS NOT NULL
GROUP BY g, day
ORDER BY model, provider, day
