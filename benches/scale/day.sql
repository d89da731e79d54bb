-- The readings of one UTC day, hour by hour; {day} counts from the start. Usage grows over the day, its hit rate
-- converges, uptimes are shares of requests as the upstream publishes them, and unpublished values are null.
CREATE OR REPLACE TEMP TABLE hourly AS
WITH drawn AS (
    SELECT s.*, p.input, p.cache_read,
        CAST(h.range + 24 * {day} + 1 AS INTEGER) AS run_no,
        (h.range + 1) / 24.0 AS part,
        s.tokens_a_day * exp(0.25 * z(30, s.endpoint_no, {day})) AS traffic,
        least(0.97, greatest(0.01, s.rate + 0.03 * z(31, s.endpoint_no, {day})
            + 0.02 * z(32, s.endpoint_no, 24 * {day} + h.range) / sqrt(h.range + 1))) AS settled,
        u(33, s.endpoint_no, 24 * {day} + h.range) AS a,
        u(34, s.endpoint_no, 24 * {day} + h.range) AS b,
        u(35, s.endpoint_no, 24 * {day} + h.range) AS c
    FROM seen s
    JOIN priced p ON p.endpoint_no = s.endpoint_no AND p.first_day <= {day} AND p.next_day > {day},
    range(least(24, {hours} - 24 * {day})) h
), told AS (
    SELECT *,
        NOT idle AND a > 0.01 AS used,
        CASE WHEN uncached THEN 0.0 ELSE settled END AS hit,
        CAST(greatest(1, 1353 * pow(traffic / 2.92e8, 0.7) * (0.5 + b)) AS BIGINT) AS sent_30m,
        -- An occasional bad half hour.
        failing * (0.4 + 1.2 * c) * CASE WHEN a > 0.985 THEN 40 ELSE 1 END AS lost
    FROM drawn
), counted AS (
    SELECT *, sent_30m // 6 AS sent_5m, 40 * sent_30m AS sent_1d FROM told
), whole AS (
    SELECT *,
        least(sent_5m, CAST(floor(lost * sent_5m + b) AS BIGINT)) AS bad_5m,
        least(sent_30m, CAST(floor(lost * sent_30m + c) AS BIGINT)) AS bad_30m,
        least(sent_1d, CAST(floor(failing * sent_1d + a) AS BIGINT)) AS bad_1d
    FROM counted
)
SELECT run_no, endpoint_no, model_no,
    CASE WHEN used THEN hit END AS hit_rate,
    CASE WHEN used THEN CAST(traffic * (part - 0.1 * sin(6.283185307 * part)) AS BIGINT) END AS tokens,
    CASE WHEN used THEN CASE WHEN uncached THEN input * (1 - 0.001 * c) ELSE ((1 - hit) * input + hit * cache_read) * (1 + 1e-5 * c) END END AS effective_input,
    CASE WHEN used THEN CASE WHEN whole_output THEN 4 * input ELSE 4 * input * (1 - 0.002 * b) END END AS effective_output,
    CASE WHEN sent_5m >= 40 THEN bad_5m // gcd(bad_5m, sent_5m) END AS down_5m,
    CASE WHEN sent_5m >= 40 THEN sent_5m // gcd(bad_5m, sent_5m) END AS of_5m,
    CASE WHEN sent_30m >= 200 THEN bad_30m // gcd(bad_30m, sent_30m) END AS down_30m,
    CASE WHEN sent_30m >= 200 THEN sent_30m // gcd(bad_30m, sent_30m) END AS of_30m,
    bad_1d // gcd(bad_1d, sent_1d) AS down_1d,
    sent_1d // gcd(bad_1d, sent_1d) AS of_1d,
    CASE WHEN sent_30m < 200 OR bad_30m < 0.05 * sent_30m THEN 0 WHEN bad_30m <= 0.2 * sent_30m THEN -2 ELSE -5 END AS status,
    CASE WHEN used THEN round(2 * speed * (0.8 + 0.4 * b)) / 2 END AS throughput,
    CASE WHEN used THEN round(2 * delay * (0.7 + 0.6 * c)) / 2 END AS latency_ms,
    CASE WHEN used THEN sent_30m END AS requests_30m
FROM whole;

INSERT INTO stored_reading
SELECT run_no, endpoint_no,
    CASE WHEN hit_rate = 0 THEN [] WHEN hit_rate IS NOT NULL THEN [hit_rate] END, tokens,
    CASE WHEN effective_input IS NOT NULL THEN [effective_input] END,
    CASE WHEN effective_output IS NOT NULL THEN [effective_output] END,
    CASE WHEN down_5m = 0 THEN [] WHEN down_5m > 0 THEN [struct_pack(down := CAST(down_5m AS INTEGER), total := CAST(of_5m AS INTEGER))] END,
    CASE WHEN down_30m = 0 THEN [] WHEN down_30m > 0 THEN [struct_pack(down := CAST(down_30m AS INTEGER), total := CAST(of_30m AS INTEGER))] END,
    CASE WHEN down_1d = 0 THEN [] WHEN down_1d > 0 THEN [struct_pack(down := CAST(down_1d AS INTEGER), total := CAST(of_1d AS INTEGER))] END,
    NULL, NULL, NULL,
    status, NULL, NULL, NULL, throughput, latency_ms, requests_30m, 0, 0
FROM hourly ORDER BY run_no, CASE WHEN run_no % 2 = 0 THEN endpoint_no ELSE -endpoint_no END;

-- The first run of the next day reports the closing prices of a day.
INSERT INTO closing_price
SELECT endpoint_no, CAST(looked(24 * {day}) AS DATE), effective_input, effective_output, 24 * {day} + 25
FROM hourly WHERE run_no = 24 * {day} + 24 AND run_no < {hours} AND effective_input IS NOT NULL
ORDER BY endpoint_no;

-- For a closed day, the program keeps the aggregates of the last run.
INSERT INTO model_usage
SELECT run_no, e.model, e.variant, sum(hit_rate * tokens) / sum(tokens),
    sum(effective_input * tokens) / sum(tokens), sum(effective_output * tokens) / sum(tokens)
FROM hourly JOIN endpoint e USING (endpoint_no)
WHERE tokens > 0 AND (run_no = 24 * {day} + 24 OR {day} = {days} - 1) GROUP BY run_no, e.model, e.variant ORDER BY run_no, e.model;
