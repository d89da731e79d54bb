-- Imported days of endpoints of the record that the record has no usage of. Parameters: first day, last day, as of. Whole
-- days count before parts of days, closing values before derived ones, earlier imports before later ones.
WITH had AS (
    SELECT DISTINCT endpoint_no, day FROM endpoint_day
    WHERE usage_at IS NOT NULL AND (known_at IS NULL OR known_at <= CAST($3 AS TIMESTAMP))
    UNION
    SELECT endpoint_no, day FROM closing_rate JOIN run USING (run_no) WHERE observed_at <= CAST($3 AS TIMESTAMP)
    UNION
    SELECT endpoint_no, day FROM closing_price JOIN run USING (run_no) WHERE observed_at <= CAST($3 AS TIMESTAMP)
), ranked AS (
    SELECT l.endpoint_no, d.*, s.name AS source, s.kind,
        (d.read_at IS NOT NULL,
         CASE d.basis WHEN 'comparison' THEN 0 WHEN 'observed' THEN 1 WHEN 'derived' THEN 2 ELSE 3 END,
         d.source_no) AS turn
    FROM imported_day d JOIN imported_link l USING (imported_no) JOIN import_source s USING (source_no)
    WHERE l.endpoint_no IS NOT NULL AND d.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
        AND d.day < CAST(CAST($3 AS TIMESTAMP) AS DATE)
        AND NOT EXISTS (FROM had h WHERE h.endpoint_no = l.endpoint_no AND h.day = d.day)
), whole AS (
    SELECT * FROM ranked
    QUALIFY read_at IS NULL OR count(*) FILTER (WHERE read_at IS NULL) OVER (PARTITION BY endpoint_no, day) = 0
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, w.day, arg_min(w.source, w.turn) AS source,
    arg_min(w.kind, w.turn) AS kind, arg_min(w.read_at, w.turn) AS read_at, arg_min(w.hit_rate, w.turn) AS hit_rate,
    arg_min(w.basis, w.turn) AS basis, arg_min(w.tokens, w.turn) AS tokens,
    arg_min(w.effective_input, w.turn) AS effective_input, arg_min(w.effective_output, w.turn) AS effective_output,
    arg_min(w.uptime, w.turn) AS uptime, arg_min(w.throughput, w.turn) AS throughput,
    arg_min(w.latency_ms, w.turn) AS latency_ms
FROM whole w JOIN endpoint e USING (endpoint_no)
GROUP BY e.endpoint_id, w.day
ORDER BY e.endpoint_id, w.day
