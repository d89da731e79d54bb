-- Sums over requests that a source exports instead of calls.
SELECT
    source,
    platform,
    model,
    paid_kind AS kind,
    count(*) AS rows,
    CASE WHEN bool_and(aggregated > 0) THEN CAST(sum(aggregated) AS BIGINT) END AS requests,
    CAST(sum(prompt) AS BIGINT) AS prompt,
    CAST(sum(read) AS BIGINT) AS read,
    CAST(sum(written) AS BIGINT) AS written,
    CAST(sum(output) AS BIGINT) AS output,
    CAST(sum(reasoning) AS BIGINT) AS reasoning,
    sum(paid) AS usd
FROM scope
WHERE wanted AND aggregated IS NOT NULL
GROUP BY ALL
ORDER BY prompt DESC NULLS LAST, source, platform, model, kind
