-- The token-weighted hit rate of each model and variant in the newest run.
SELECT concat(e.model, ' ', e.variant) AS model, sum(r.hit_rate * r.tokens) / sum(r.tokens) AS hit_rate
FROM reading r JOIN endpoint e USING (endpoint_no)
WHERE r.run_no = (SELECT max_by(run_no, observed_at) FROM run) AND r.hit_rate IS NOT NULL AND r.tokens > 0 AND r.usage_day_back = 0
GROUP BY ALL
