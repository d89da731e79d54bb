-- Tokens a request by endpoint, from the rows of days.sql, here `days`. Tokens include completion tokens. For each day,
-- the tokens up to its last reading divided by the half hours up to then are compared with the mean number of requests
-- in the 30 minutes before a reading. The first half hour of a day says too little. Null requests are unknown, not 0.
-- An endpoint without two such days, or with fewer than 20 requests in the sum of their half hours, has no row.
-- Parameters: from, to, as_of.
WITH requests AS (
    -- Means of integers are exact sums, so the result does not depend on the order of threads.
    SELECT r.endpoint_no, CAST(run.observed_at AS DATE) AS day, avg(r.requests_30m) AS in_30m
    FROM run JOIN reading r USING (run_no)
    WHERE run.observed_at <= CAST($3 AS TIMESTAMP)
      AND CAST(run.observed_at AS DATE) BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
    GROUP BY ALL
), paired AS (
    SELECT d.endpoint_id, d.day, d.tokens / (48 * d.coverage) AS tokens_30m, q.in_30m
    FROM days d
    JOIN endpoint e ON e.endpoint_id = CAST(d.endpoint_id AS UUID)
    JOIN requests q ON q.endpoint_no = e.endpoint_no AND q.day = DATE '1970-01-01' + d.day
    WHERE d.tokens > 0 AND 48 * d.coverage >= 1 AND q.in_30m > 0
)
SELECT endpoint_id, sum(tokens_30m ORDER BY day) / sum(in_30m ORDER BY day) AS tokens_a_request
FROM paired
GROUP BY endpoint_id
HAVING count(*) >= 2 AND sum(in_30m ORDER BY day) >= 20
