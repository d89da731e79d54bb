-- What the change-point method reads of usage: one row per hourly rate, with the effective input price that belongs to
-- it times its tokens. The hourly rates are those of `queries/analysis/hourly.sql`, which the program puts in place of
-- `hourly_rates`; its parameters apply.
SELECT CAST(endpoint_no AS BIGINT) AS endpoint_no,
    CAST(epoch(window_start) AS BIGINT) AS start_s,
    CAST(epoch(window_end) AS BIGINT) AS end_s,
    hit_rate, tokens,
    -- Both are sums since midnight, so the price of a rate is a difference like the rate itself.
    CASE WHEN window_start = date_trunc('day', window_start) THEN paid ELSE paid - paid_before END AS paid
FROM (
    SELECT h.*, r.effective_input * r.tokens AS paid,
        lag(r.effective_input * r.tokens) OVER (
            PARTITION BY h.endpoint_no, CAST(h.window_start AS DATE) ORDER BY h.run_no) AS paid_before
    FROM hourly_rates h JOIN reading r ON r.run_no = h.run_no AND r.endpoint_no = h.endpoint_no
)
WHERE refused IS NULL
ORDER BY endpoint_no, window_end
