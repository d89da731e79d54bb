-- One row per lasting shift of a measured number of an endpoint, with its evidence. By the day at whose end it was found.
-- time: day
-- day | | UTC day at whose end it was found
-- shift_from | UTC | start of the first period after the shift
-- shift_at | UTC | first reading after the shift
-- endpoint_id | UUID | id of the endpoint, as text
-- model | | canonical slug of the model
-- variant | | variant of the model
-- provider | | base slug of the provider
-- tag | | routing name at the end of the day
-- field | | what shifted: `hit_rate`, `effective_input`, `throughput`, `latency_ms` or `uptime`
-- level_before | unit of the field | level before the shift
-- level_after | unit of the field | level after the shift
-- readings_before | readings | readings before the shift
-- readings_after | readings | readings after it
-- scatter | unit of the field | scatter of the periods around their level, as a standard deviation
-- p_value | | probability of such a shift by chance in this series
-- q_value | | the same after the correction for the number of series
-- method_version | | version of the change-point method: the newest
SELECT s.day, s.shift_from, s.shift_at, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant, f.provider, f.tag,
    s.field, s.level_before, s.level_after, s.readings_before, s.readings_after, s.scatter, s.p_value, s.q_value,
    s.method_version
FROM shift s
JOIN shift_day d ON d.method_version = s.method_version AND d.day = s.day
JOIN endpoint e USING (endpoint_no)
LEFT JOIN endpoint_history f ON f.endpoint_no = s.endpoint_no AND f.valid_from <= d.closing
    AND coalesce(f.valid_to, TIMESTAMP '9999-12-31') > d.closing
WHERE s.day >= CAST($1 AS DATE) AND s.day < CAST($2 AS DATE)
  AND s.method_version = (SELECT max(method_version) FROM shift_day)
ORDER BY s.day, s.shift_at, e.model, e.variant, endpoint_id, s.field
