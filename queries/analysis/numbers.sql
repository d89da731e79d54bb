-- The readings with usage and the upstream's aggregate of their model, for `hitrate check numbers`: of the runs whose
-- aggregates are kept (the last run of each closed day, and all runs of the newest day) and of the newest run.
SELECT run.run_id, e.model, e.variant, r.hit_rate, r.tokens, u.hit_rate AS upstream_hit_rate,
    r.effective_input,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_cache_read AS DOUBLE) AS list_cache_read,
    CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    coalesce(p.price_tiers, '[]') <> '[]' AS price_tiers
FROM run
JOIN reading r USING (run_no)
JOIN endpoint e USING (endpoint_no)
LEFT JOIN model_usage u ON u.run_no = run.run_no AND u.model = e.model AND u.variant = e.variant
LEFT JOIN price_history p ON p.endpoint_no = r.endpoint_no
    AND p.valid_from <= run.observed_at AND coalesce(p.valid_to, TIMESTAMP '9999-12-31') > run.observed_at
WHERE r.tokens IS NOT NULL
  AND (run.run_no IN (SELECT run_no FROM model_usage)
    OR run.run_no = (SELECT max(run_no) FROM run WHERE status NOT IN ('failed', 'suspect')))
ORDER BY run.observed_at, e.model, e.variant, r.endpoint_no
