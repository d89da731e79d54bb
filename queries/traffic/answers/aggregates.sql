-- Sums over requests that a source exports instead of calls.
SELECT
    source,
    platform,
    model,
    paid_kind AS kind,
    CAST(sum(calls) AS BIGINT) AS rows,
    CASE WHEN bool_and(requests_are_known) THEN CAST(sum(requests) AS BIGINT) END AS requests,
    CAST(sum(prompt) AS BIGINT) AS prompt,
    CAST(sum(read) AS BIGINT) AS read,
    CAST(sum(written) AS BIGINT) AS written,
    CAST(sum(output) AS BIGINT) AS output,
    CAST(sum(reasoning) AS BIGINT) AS reasoning,
    sum(paid) AS usd
FROM tally
WHERE is_sum
GROUP BY ALL
ORDER BY prompt DESC NULLS LAST, source, platform, model, kind
