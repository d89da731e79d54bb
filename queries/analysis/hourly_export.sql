-- The output of `export hourly`: the rows of hourly.sql, here `hourly`, with model, provider and endpoint names.
SELECT run.run_id, run.observed_at, run.window_kind, h.window_start, h.window_end,
    e.model, e.variant, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id,
    f.provider, f.provider_name, f.tag,
    h.hit_rate, h.tokens, h.refused
FROM hourly h
JOIN run USING (run_no)
JOIN endpoint e USING (endpoint_no)
JOIN endpoint_history f ON f.endpoint_no = h.endpoint_no
    AND f.valid_from <= run.observed_at AND coalesce(f.valid_to, TIMESTAMP '9999-12-31') > run.observed_at
ORDER BY run.observed_at, e.model, e.variant, endpoint_id
