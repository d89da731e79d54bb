-- Shifts that began in [from, to) and that were found on days before the day of as_of, newest first, with the names of
-- that time. Parameters: method version, from, to, as_of.
SELECT epoch_us(s.shift_at) AS at, s.field, s.level_before, s.level_after, s.hours_before, s.hours_after,
    s.readings_before, s.readings_after, s.scatter, s.p_value, s.q_value,
    e.model, e.variant, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, f.provider, f.tag, m.model_id
FROM shift s
JOIN shift_day d ON d.method_version = s.method_version AND d.day = s.day
JOIN endpoint e ON e.endpoint_no = s.endpoint_no
LEFT JOIN endpoint_history f ON f.endpoint_no = s.endpoint_no AND f.valid_from <= d.closing
    AND coalesce(f.valid_to, TIMESTAMP '9999-12-31') > d.closing
LEFT JOIN (
    SELECT model, variant, max_by(model_id, valid_from) AS model_id FROM model_history
    WHERE valid_from <= CAST($4 AS TIMESTAMP) GROUP BY ALL
) m ON m.model = e.model AND m.variant = e.variant
WHERE s.method_version = $1 AND s.day < CAST(CAST($4 AS TIMESTAMP) AS DATE)
    AND s.shift_at >= CAST($2 AS TIMESTAMP) AND s.shift_at < CAST($3 AS TIMESTAMP)
ORDER BY s.shift_at DESC, s.endpoint_no, s.field
