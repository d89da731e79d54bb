-- The same readings without any optimization for size: one table with the columns of the export.
-- {from} and {to} are replaced, month by month.
INSERT INTO flat
SELECT run.run_id, run.observed_at, run.window_kind, date_trunc('day', run.observed_at) AS window_start,
    run.observed_at AS window_end, e.model, e.variant, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id,
    f.provider, f.provider_name, f.tag, r.hit_rate, r.tokens, r.effective_input, r.effective_output,
    CAST(p.list_input AS DOUBLE), CAST(p.list_output AS DOUBLE), CAST(p.list_cache_read AS DOUBLE),
    CAST(p.list_cache_write AS DOUBLE), r.uptime_5m, r.uptime_30m, r.uptime_1d, CAST(r.status AS INTEGER)
FROM record.reading r
JOIN record.run USING (run_no)
JOIN record.endpoint e USING (endpoint_no)
JOIN record.endpoint_history f ON f.endpoint_no = r.endpoint_no
    AND f.valid_from <= run.observed_at AND (f.valid_to IS NULL OR f.valid_to > run.observed_at)
LEFT JOIN record.price_history p ON p.endpoint_no = r.endpoint_no
    AND p.valid_from <= run.observed_at AND (p.valid_to IS NULL OR p.valid_to > run.observed_at)
WHERE r.run_no >= {from} AND r.run_no < {to};
