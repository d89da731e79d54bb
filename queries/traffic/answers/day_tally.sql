-- The columns of `tally` that `days.sql` reads, for questions that need nothing else.
SELECT
    model,
    provider,
    day,
    is_replay,
    aggregated IS NOT NULL AS is_sum,
    count(*) AS calls,
    count(read) AS with_read,
    sum(read) AS read,
    sum(prompt) FILTER (read IS NOT NULL) AS prompt_with_read,
    count(*) FILTER (prompt > 0) AS prompts,
    sum(ln(greatest(prompt, 1))) FILTER (prompt > 0) AS prompt_ln,
    count(*) FILTER (output > 0) AS outputs,
    sum(ln(greatest(output, 1))) FILTER (output > 0) AS output_ln
FROM scope
WHERE wanted
GROUP BY model, provider, day, is_replay, is_sum
