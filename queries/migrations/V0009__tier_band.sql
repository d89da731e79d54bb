-- A tier follows from the tier of the previous day and the measured figure of the day: no consecutive days are counted.
ALTER TABLE provider_tier DROP COLUMN IF EXISTS leaning;
ALTER TABLE provider_tier DROP COLUMN IF EXISTS leaning_days;
ALTER TABLE endpoint_tier DROP COLUMN IF EXISTS leaning;
ALTER TABLE endpoint_tier DROP COLUMN IF EXISTS leaning_days;

COMMENT ON COLUMN provider_tier.effect IS 'the measured figure in the unit of the lens; the published one is the nearest within the row of `tier`; null if there was none';
COMMENT ON COLUMN endpoint_tier.effect IS 'the measured figure in the unit of the lens; the published one is the nearest within the row of `tier`; null if there was none';
