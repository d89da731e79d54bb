-- Endpoints are identified by their id until they are moved.
CREATE OR REPLACE TEMP TABLE stage_endpoint_tier (
    lens VARCHAR NOT NULL,
    endpoint_id VARCHAR NOT NULL,
    tier VARCHAR NOT NULL,
    naive VARCHAR NOT NULL,
    since DATE NOT NULL,
    previous VARCHAR,
    effect DOUBLE,
    capped BOOLEAN NOT NULL,
    unrated_days INTEGER NOT NULL
);
