-- The world of the generated record: endpoints with their behaviour, and rarely changing values. Every number depends
-- only on the seed. The distributions follow recorded days of the real upstream: 3.2 endpoints per model and a few
-- models with thirty; traffic over five orders of magnitude; three in ten endpoints without cache hits; list prices
-- that change every few months. {endpoints}, {days}, {hours}, {start} and {seed} are replaced.
CREATE OR REPLACE TEMP MACRO u(k, a, b) AS hash(a, b, k, {seed}) / 18446744073709551616.0;
CREATE OR REPLACE TEMP MACRO z(k, a, b) AS sqrt(-2 * ln(u(k, a, b) + 1e-12)) * cos(6.283185307 * u(k + 1000, a, b));
-- The time of an hour's run, and its number.
CREATE OR REPLACE TEMP MACRO looked(hour) AS TIMESTAMP '{start}' + to_hours(CAST(hour AS BIGINT)) + INTERVAL 57 MINUTE;

CREATE TEMP TABLE seen AS
WITH drawn AS (
    SELECT CAST(range + 1 AS INTEGER) AS endpoint_no,
        CAST(floor(greatest(1, {endpoints} / 3.2) * pow(u(1, range, 0), 1.5)) AS INTEGER) AS model_no,
        CAST(floor(73 * pow(u(2, range, 0), 1.4)) AS INTEGER) AS provider_no
    FROM range({endpoints})
)
SELECT *,
    row_number() OVER (PARTITION BY model_no, provider_no ORDER BY endpoint_no) AS nth,
    u(3, endpoint_no, 0) < 0.09 AS idle,
    u(4, endpoint_no, 0) < 0.30 AS uncached,
    exp(19.4 + 1.6 * z(5, endpoint_no, 0) + 1.4 * z(6, model_no, 1)) AS tokens_a_day,
    -- A base rate of the model, an effect of the provider, and a deviation of the endpoint.
    1 / (1 + exp(-(0.9 * z(7, model_no, 1) + 0.7 * z(8, provider_no, 2) + 0.4 * z(9, endpoint_no, 0)))) AS rate,
    exp(-7 + 1.8 * z(10, endpoint_no, 0)) AS failing,
    round(exp(-1.2 + 1.1 * z(11, model_no, 1)) * (0.8 + 0.5 * u(12, endpoint_no, 0)), 2) + 0.01 AS base_price,
    CAST(60 + 120 * u(13, endpoint_no, 0) AS INTEGER) AS price_days,
    CAST(180 * u(14, endpoint_no, 0) AS INTEGER) AS price_phase,
    u(15, endpoint_no, 0) < 0.16 AS whole_output,
    20 + 80 * u(16, endpoint_no, 0) AS speed,
    exp(6.8 + 0.6 * z(17, endpoint_no, 0)) AS delay
FROM drawn;

-- List prices by endpoint and price period, with the start of each period.
CREATE TEMP TABLE priced AS
WITH days AS (
    SELECT endpoint_no, base_price, uncached, CAST(range AS INTEGER) AS day,
        (range + price_phase) // price_days AS period
    FROM seen, range({days})
), periods AS (
    SELECT endpoint_no, period, any_value(base_price) AS base_price, any_value(uncached) AS uncached,
        min(day) AS first_day, max(day) + 1 AS next_day
    FROM days GROUP BY endpoint_no, period
)
SELECT endpoint_no, period, first_day, next_day,
    round(base_price * (0.8 + 0.4 * u(20, endpoint_no, period)), 2) + 0.01 AS input,
    CASE WHEN NOT uncached THEN round((base_price * (0.8 + 0.4 * u(20, endpoint_no, period)) + 0.01) * 0.1, 3) + 0.001 END
        AS cache_read
FROM periods;

INSERT INTO run BY NAME
SELECT range + 1 AS run_no, strftime(looked(range), '%Y%m%dT%H%M%SZ') AS run_id, looked(range) AS observed_at, 'ok' AS status,
    'day_to_date' AS window_kind, 'generated' AS upstream, true AS simulated, 3 * n.models AS requests,
    3 * n.models AS documents, n.used AS readings, n.all_of_them AS endpoints, 0 AS quarantined, 0 AS drift,
    300000 AS duration_ms, range % 24 = 0 AS activity, '[]' AS failures
FROM range({hours}), (SELECT count(DISTINCT model_no) AS models, count(*) AS all_of_them, count(*) FILTER (NOT idle) AS used FROM seen) n
ORDER BY range;

INSERT INTO run_source
SELECT range + 1, source, n, n, 0, 0
FROM range({hours}), (VALUES ('openrouter-api'), ('openrouter-stats')) s(source), (SELECT count(DISTINCT model_no) AS n FROM seen)
ORDER BY ALL;

INSERT INTO endpoint
SELECT endpoint_no, CAST(md5(concat('{seed}-', endpoint_no)) AS UUID), false,
    concat('author-', model_no % 40, '/model-', model_no), 'standard', looked(0), 'openrouter'
FROM seen ORDER BY endpoint_no;

INSERT INTO endpoint_history
SELECT endpoint_no, concat('provider-', provider_no), concat('Provider ', provider_no),
    concat('provider-', provider_no, CASE WHEN nth > 1 THEN concat('/v', nth) ELSE '' END),
    CASE WHEN u(21, endpoint_no, 0) < 0.5 THEN 'fp8' END, 131072, 32768, NULL, u(22, endpoint_no, 0) < 0.1, NULL,
    '["max_tokens","temperature","tools","top_p"]', false, false, false, looked(0), NULL, NULL, NULL, NULL
FROM seen ORDER BY endpoint_no;

INSERT INTO price_history
SELECT endpoint_no, input, 4 * input, cache_read, NULL, NULL, '[]', looked(24 * first_day),
    CASE WHEN 24 * next_day < {hours} THEN looked(24 * next_day) END, NULL
FROM priced ORDER BY first_day, endpoint_no;

INSERT INTO model_history
SELECT DISTINCT model, variant, split_part(model, '/', 2), model, looked(0) - INTERVAL 90 DAY, 131072, looked(0), NULL
FROM endpoint ORDER BY model;

INSERT INTO provider_history
SELECT DISTINCT provider, provider_name, NULL, NULL, NULL, NULL, looked(0), NULL FROM endpoint_history ORDER BY provider;

INSERT INTO activity
SELECT e.model, e.variant, CAST(looked(24 * range) AS DATE), CAST(sum(s.tokens_a_day * 0.9) AS BIGINT),
    CAST(sum(s.tokens_a_day * 0.1) AS BIGINT), CAST(sum(s.tokens_a_day * 0.9 * s.rate) AS BIGINT),
    CAST(sum(s.tokens_a_day / 4500) AS BIGINT), 24 * range + 1
FROM seen s JOIN endpoint e USING (endpoint_no), range({days})
GROUP BY range, e.model, e.variant ORDER BY range, e.model;
