-- The calls of a file that is being imported, to compare them with those that are there.
CREATE OR REPLACE TEMP TABLE incoming (
    number       BIGINT  NOT NULL, -- Position in the list of calls.
    line         BIGINT  NOT NULL,
    id           VARCHAR,
    id_kind      VARCHAR NOT NULL,
    "at"         TIMESTAMP,
    ended_at     TIMESTAMP,
    session      VARCHAR,
    platform     VARCHAR,          -- Without the gateway in front of it.
    model_sent   VARCHAR,
    model_served VARCHAR,
    model_key    VARCHAR,
    provider     VARCHAR,          -- Name, tag or id of the endpoint.
    app          VARCHAR,
    key          VARCHAR,
    service_tier VARCHAR,
    model        VARCHAR,          -- The last part of the model's name in lower case.
    raw_input    BIGINT,
    raw_output   BIGINT,
    is_ok        BOOLEAN NOT NULL,
    prompt       BIGINT,
    output       BIGINT,
    aggregated   BIGINT
)
