-- The tiers that providers held at the end of a day. Parameters: method version, day.
SELECT lens, workload, provider, tier, naive, CAST(since - DATE '1970-01-01' AS BIGINT) AS since, previous, effect,
    capped, unrated_days
FROM provider_tier
WHERE method_version = $1 AND day = CAST($2 AS DATE)
