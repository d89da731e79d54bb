-- What was paid and what it bought, by group and kind of money.
SELECT
    g,
    paid_kind AS kind,
    sum(paid) AS usd,
    CAST(sum(priced) AS BIGINT) AS calls,
    CAST(coalesce(sum(priced) FILTER (is_success), 0) AS BIGINT) AS successes,
    CAST(sum(paid_output) FILTER (is_success) AS BIGINT) AS output_tokens
FROM grouped
WHERE NOT is_replay AND priced > 0
GROUP BY g, paid_kind
