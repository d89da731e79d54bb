-- The output of `export imported`: one row per source, endpoint and day. Parameters: first day, last day.
SELECT d.day, coalesce(e.endpoint_id, i.endpoint_id) AS endpoint_id, i.model, i.variant, i.provider, i.provider_name, i.tag,
    l.endpoint_no IS NOT NULL AS in_record, s.name AS source, s.kind,
    d.read_at, d.hit_rate, d.basis, d.tokens, d.effective_input, d.effective_output, d.uptime, d.throughput, d.latency_ms,
    d.differs
FROM imported_day d
JOIN imported_endpoint i USING (imported_no)
JOIN imported_link l USING (imported_no)
JOIN import_source s USING (source_no)
LEFT JOIN endpoint e ON e.endpoint_no = l.endpoint_no
WHERE d.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE)
ORDER BY d.day, i.model, i.variant, endpoint_id, i.tag, i.provider_name, s.source_no
