-- The tiers that endpoints held at the end of a day. Parameters: method version, day.
SELECT t.lens, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, t.tier, t.naive,
    CAST(t.since - DATE '1970-01-01' AS BIGINT) AS since, t.previous, t.effect, t.capped, t.unrated_days
FROM endpoint_tier t JOIN endpoint e USING (endpoint_no)
WHERE t.method_version = $1 AND t.day = CAST($2 AS DATE)
