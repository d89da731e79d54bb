-- The providers in plain SQL: day cells of the readings from {from} on, then means over the lens window that begins at
-- {window}, weighted by traffic and by model. Only the aggregation, without effects, intervals and verdicts.
CREATE OR REPLACE TEMP TABLE cell AS
SELECT endpoint_id, model, provider, CAST(observed_at AS DATE) AS day,
    max_by(hit_rate, observed_at) FILTER (WHERE tokens IS NOT NULL) AS hit_rate,
    max_by(tokens, observed_at) FILTER (WHERE tokens IS NOT NULL) AS tokens,
    max_by(effective_input, observed_at) FILTER (WHERE tokens IS NOT NULL) AS effective_input,
    max_by(effective_output, observed_at) FILTER (WHERE tokens IS NOT NULL) AS effective_output,
    max_by(uptime_1d, observed_at) AS uptime_1d,
    avg(uptime_30m) AS uptime_30m
FROM flat
WHERE observed_at >= TIMESTAMP '{from}'
GROUP BY ALL;

CREATE OR REPLACE TEMP TABLE list AS
WITH endpoints AS (
    SELECT endpoint_id, model, provider, avg(hit_rate) AS hit_rate, avg(tokens) AS tokens,
        avg(effective_input + 0.05 * effective_output) AS cost, avg(coalesce(uptime_1d, uptime_30m)) AS uptime
    FROM cell WHERE day >= CAST(TIMESTAMP '{window}' AS DATE)
    GROUP BY ALL
), models AS (
    SELECT model, sum(hit_rate * tokens) / sum(tokens) AS hit_rate, sum(cost * tokens) / sum(tokens) AS cost,
        sum(uptime * tokens) / sum(tokens) AS uptime
    FROM endpoints WHERE tokens > 0 GROUP BY model
)
SELECT e.provider, count(*) AS endpoints, sum(e.tokens) AS tokens,
    sum(e.hit_rate * e.tokens) / sum(e.tokens) AS cache_traffic, avg(e.hit_rate - m.hit_rate) AS cache_models,
    sum(e.cost * e.tokens) / sum(e.tokens) AS cost_traffic, avg(ln(e.cost / m.cost)) AS cost_models,
    sum(e.uptime * e.tokens) / sum(e.tokens) AS uptime_traffic, avg(e.uptime - m.uptime) AS uptime_models
FROM endpoints e JOIN models m USING (model)
WHERE e.tokens > 0
GROUP BY e.provider
ORDER BY cache_models DESC;
