-- Sums over requests that a source exports instead of calls. Only these counts can be so large that their sum needs more
-- than 63 bits; it then stops there.
SELECT
    source,
    platform,
    model,
    paid_kind AS kind,
    CAST(least(sum(calls), 9223372036854775807) AS BIGINT) AS rows,
    CASE WHEN bool_and(requests_are_known) THEN CAST(least(sum(requests), 9223372036854775807) AS BIGINT) END AS requests,
    CAST(least(sum(prompt), 9223372036854775807) AS BIGINT) AS prompt,
    CAST(least(sum(read), 9223372036854775807) AS BIGINT) AS read,
    CAST(least(sum(written), 9223372036854775807) AS BIGINT) AS written,
    CAST(least(sum(output), 9223372036854775807) AS BIGINT) AS output,
    CAST(least(sum(reasoning), 9223372036854775807) AS BIGINT) AS reasoning,
    sum(paid) AS usd
FROM tally
WHERE is_sum
GROUP BY ALL
ORDER BY prompt DESC NULLS LAST, source, platform, model, kind
