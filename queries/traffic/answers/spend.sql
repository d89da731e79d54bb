-- Spend by platform, model, month, key and app, each split by kind of money.
SELECT
    CASE
        WHEN grouping(platform) = 0 THEN 'platform'
        WHEN grouping(model) = 0 THEN 'model'
        WHEN grouping(month) = 0 THEN 'month'
        WHEN grouping(key) = 0 THEN 'key'
        WHEN grouping(app) = 0 THEN 'app'
        ELSE 'total'
    END AS what,
    coalesce(platform, model, month, key, app) AS value,
    paid_kind AS kind,
    sum(paid) AS usd,
    CAST(sum(calls) AS BIGINT) AS calls,
    CAST(sum(calls - priced) AS BIGINT) AS unpriced
FROM (
    SELECT platform, model, strftime(day, '%Y-%m') AS month, key, app, paid_kind, paid, calls, priced
    FROM tally
    WHERE NOT is_sum AND NOT is_replay
)
GROUP BY GROUPING SETS (
    (platform, paid_kind), (model, paid_kind), (month, paid_kind), (key, paid_kind), (app, paid_kind), (paid_kind))
