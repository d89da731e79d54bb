-- The readings of the runs of the UTC days in [from, to] that are kept when these days are rolled up, into the temporary
-- table `kept_reading`. The choice depends on one day at a time, so that rolling day by day keeps the same readings as
-- rolling many days at once. Parameters: from, to (dates).
CREATE OR REPLACE TEMP TABLE kept_reading AS
WITH looked AS (
    SELECT run_no, CAST(observed_at AS DATE) AS day, window_kind = 'day_to_date' AS to_date
    FROM run
    WHERE CAST(observed_at AS DATE) BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
), readings AS MATERIALIZED (
    SELECT endpoint_no, run_no, day, to_date, tokens, has_usage, usage_day_back FROM reading JOIN looked USING (run_no)
)
-- Readings of other windows have no row of their day.
SELECT run_no, endpoint_no FROM readings WHERE NOT to_date
UNION
-- The last reading of the day: the health of the endpoint.
SELECT max(run_no), endpoint_no FROM readings GROUP BY endpoint_no, day
UNION
-- The usage that the day closes on, as in queries/ingest/close_days.sql.
SELECT max_by(run_no, struct_pack(tokens := coalesce(tokens, -1), run_no := run_no)), endpoint_no
FROM readings WHERE has_usage GROUP BY endpoint_no, day, usage_day_back
UNION
-- The last reading with a count of tokens: the next difference of hourly rates begins at it.
SELECT max(run_no), endpoint_no FROM readings WHERE tokens IS NOT NULL GROUP BY endpoint_no, day, usage_day_back
UNION
-- The time at which a chart point was known is that of the summary beside it.
SELECT r.run_no, r.endpoint_no FROM readings r
JOIN (SELECT DISTINCT run_no, endpoint_no FROM closing_price) c
    ON c.run_no = r.run_no AND c.endpoint_no = r.endpoint_no
UNION
-- The upstream's own aggregates are compared with the readings of their run.
SELECT run_no, endpoint_no FROM readings WHERE run_no IN (SELECT run_no FROM model_usage)
