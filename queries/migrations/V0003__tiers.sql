-- Where tiers stood at the end of each UTC day, so that the next day's start from there. A day is written once, by
-- the method of its version; a version that is new to the store walks all days anew.

CREATE TABLE tier_day (
    method_version INTEGER NOT NULL,    -- of the method that judged
    day DATE NOT NULL,                  -- a UTC day that is over
    closing TIMESTAMP NOT NULL          -- when its last run looked
);

CREATE TABLE provider_tier (
    method_version INTEGER NOT NULL,
    day DATE NOT NULL,
    lens VARCHAR NOT NULL,
    workload VARCHAR NOT NULL,          -- empty where the lens has none
    provider VARCHAR NOT NULL,          -- base slug
    tier VARCHAR NOT NULL,              -- held; published where naive is not unrated
    naive VARCHAR NOT NULL,             -- of the day's figures alone
    since DATE NOT NULL,                -- the day since which tier has held
    previous VARCHAR,                   -- the tier before
    effect DOUBLE,                      -- in the lens's unit
    capped BOOLEAN NOT NULL,            -- whether a gate applied
    leaning VARCHAR,                    -- the tier that the effect is past by the dead band
    leaning_days INTEGER NOT NULL,      -- days running
    unrated_days INTEGER NOT NULL       -- days running without a tier of the day's own
);

CREATE TABLE endpoint_tier (
    method_version INTEGER NOT NULL,
    day DATE NOT NULL,
    lens VARCHAR NOT NULL,              -- cost and overall under the default workload
    endpoint_no INTEGER NOT NULL,
    tier VARCHAR NOT NULL,
    naive VARCHAR NOT NULL,
    since DATE NOT NULL,
    previous VARCHAR,
    effect DOUBLE,
    capped BOOLEAN NOT NULL,
    leaning VARCHAR,
    leaning_days INTEGER NOT NULL,
    unrated_days INTEGER NOT NULL
);
