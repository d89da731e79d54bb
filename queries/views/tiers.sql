-- One row per provider, tier list and closed UTC day: the tier that was held at the end of the day.
-- time: day
-- day | | UTC day
-- closed_at | UTC | time of the last run of the day
-- lens | | `cache`, `cost`, `reliability`, `speed` or `overall`
-- workload | | workload of `cost` and `overall`; empty for the others
-- provider | | base slug of the provider
-- tier | | the tier that was held: `S` to `F`
-- naive_tier | | the tier that the figures of the day alone imply, or `unrated`: then no tier was published
-- since | | UTC day since which the tier has held
-- previous | | the tier before; null if there was none
-- effect | unit of the lens | the measured figure; null if there was none
-- capped | | whether a gate capped the tier
-- method_version | | version of the method that computed it: the newest
SELECT t.day, d.closing AS closed_at, t.lens, t.workload, t.provider, t.tier, t.naive AS naive_tier, t.since, t.previous,
    t.effect, t.capped, t.method_version
FROM provider_tier t JOIN tier_day d ON d.method_version = t.method_version AND d.day = t.day
WHERE t.day >= CAST($1 AS DATE) AND t.day < CAST($2 AS DATE)
  AND t.method_version = (SELECT max(method_version) FROM tier_day)
ORDER BY t.day, t.lens, t.workload, t.provider
