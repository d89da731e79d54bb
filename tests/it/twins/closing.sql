-- The price of a day's tokens at each endpoint of the newest run, on the thirty days that end with the day of that run:
-- the closing prices of the newest chart, otherwise those of the day's last reading.
WITH newest AS (
    SELECT run_no, observed_at AS at FROM run ORDER BY observed_at DESC LIMIT 1
), told AS (
    SELECT r.endpoint_no, CAST(run.observed_at AS DATE) - r.usage_day_back AS day, r.effective_input, r.effective_output
    FROM reading r JOIN run USING (run_no)
    WHERE run.window_kind = 'day_to_date' AND r.tokens IS NOT NULL
      -- Only days on which the endpoint was read.
      AND (r.endpoint_no, CAST(run.observed_at AS DATE) - r.usage_day_back) IN (
        SELECT (endpoint_no, CAST(observed_at AS DATE)) FROM reading JOIN run USING (run_no))
    QUALIFY row_number() OVER (PARTITION BY r.endpoint_no, day ORDER BY r.tokens DESC, run.observed_at DESC) = 1
), closed AS (
    SELECT endpoint_no, day, arg_max({'i': effective_input, 'o': effective_output}, run_no) AS price
    FROM closing_price GROUP BY ALL
), paid AS (
    SELECT endpoint_no, day, coalesce(closed.price.i, told.effective_input) AS input,
        coalesce(closed.price.o, told.effective_output) AS output
    FROM told FULL JOIN closed USING (endpoint_no, day)
)
SELECT concat(e.endpoint_id, ' ', strftime(paid.day, '%Y-%m-%d')) AS endpoint_day, paid.input, paid.output
FROM paid JOIN endpoint e USING (endpoint_no)
JOIN reading r USING (endpoint_no) JOIN newest ON newest.run_no = r.run_no
WHERE paid.day BETWEEN CAST(newest.at AS DATE) - 29 AND CAST(newest.at AS DATE)
  AND (paid.input IS NOT NULL OR paid.output IS NOT NULL)
