-- Tier changes of providers on days that were closed before the day of as_of, newest first. Parameters: method version,
-- as_of, default workload.
SELECT epoch_us(d.closing) AS at, t.lens, t.provider, coalesce(p.name, t.provider) AS name, t.tier, t.previous
FROM provider_tier t
JOIN tier_day d ON d.method_version = t.method_version AND d.day = t.day
LEFT JOIN (
    SELECT provider, max_by(name, valid_from) AS name FROM provider_history
    WHERE valid_from <= CAST($2 AS TIMESTAMP) GROUP BY provider
) p ON p.provider = t.provider
WHERE t.method_version = $1 AND t.since = t.day AND t.previous IS NOT NULL AND t.workload IN ('', $3)
  AND t.day < CAST(CAST($2 AS TIMESTAMP) AS DATE)
ORDER BY d.closing DESC, t.lens, t.provider
