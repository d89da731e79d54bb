-- The ratio of effective to list input price of every endpoint in the newest run, unless no list price of a prompt token,
-- conditional ones included, can explain the effective price.
WITH priced AS (
    SELECT *, list_concat([CAST(list_input AS DOUBLE), CAST(list_cache_read AS DOUBLE), CAST(list_cache_write AS DOUBLE),
            CAST(list_cache_write_1h AS DOUBLE)],
        list_transform(regexp_extract_all(price_tiers, '"(?:input|cache_read|cache_write|cache_write_1h)":"?([0-9.]+)', 1),
            price -> CAST(price AS DOUBLE))) AS listed
    FROM price_history WHERE valid_to IS NULL
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint, r.effective_input / CAST(p.list_input AS DOUBLE) AS discount
FROM reading r JOIN endpoint e USING (endpoint_no)
JOIN priced p ON p.endpoint_no = r.endpoint_no
WHERE r.run_no = (SELECT max_by(run_no, observed_at) FROM run) AND p.list_input > 0 AND r.effective_input IS NOT NULL AND r.usage_day_back = 0
  AND r.effective_input BETWEEN 0.95 * list_min(p.listed) AND 1.01 * list_max(p.listed)
