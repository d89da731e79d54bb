-- The ratio of effective to list input price of every endpoint in the newest run.
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint, r.effective_input / CAST(p.list_input AS DOUBLE) AS discount
FROM reading r JOIN endpoint e USING (endpoint_no)
JOIN price_history p ON p.endpoint_no = r.endpoint_no AND p.valid_to IS NULL
WHERE r.run_no = (SELECT max_by(run_no, observed_at) FROM run) AND p.list_input > 0 AND r.effective_input IS NOT NULL AND r.usage_day_back = 0
