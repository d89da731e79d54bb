-- One row per imported source, endpoint and UTC day: numbers from before the record or from outside it. They enter no tier.
-- time: day
-- day | | UTC day
-- endpoint_id | UUID | id of the endpoint, as text; null: the source has none and the record does not know it
-- model | | canonical slug of the model, or its public name if the source has no other
-- variant | | variant of the model
-- provider | | base slug of the provider
-- provider_name | | display name of the provider
-- tag | | routing name
-- in_record | | whether the record knows the endpoint
-- source | | name of the source
-- kind | | kind of the source: `price_charts`, `uptime_hours`, `closing_rates`, `export`, `bodies` or `series`
-- read_at | UTC | until when the numbers cover the day; null: all of it
-- hit_rate | fraction | cached prompt tokens over prompt tokens
-- basis | | where the hit rate comes from: `observed`, `comparison`, or `derived` from the effective price
-- tokens | tokens | prompt and completion tokens
-- effective_input | USD per million tokens | what a prompt token cost after caching
-- effective_output | USD per million tokens | what a completion token cost
-- uptime | fraction | uptime
-- throughput | tokens per second | output speed
-- latency_ms | ms | time to first token
-- differs | | what differs from the record or an earlier source, with both values; null: nothing
SELECT d.day, CAST(coalesce(e.endpoint_id, i.endpoint_id) AS VARCHAR) AS endpoint_id, i.model, i.variant, i.provider,
    i.provider_name, i.tag, l.endpoint_no IS NOT NULL AS in_record, s.name AS source, s.kind, d.read_at, d.hit_rate, d.basis,
    d.tokens, d.effective_input, d.effective_output, d.uptime, d.throughput, d.latency_ms, d.differs
FROM imported_day d
JOIN imported_endpoint i USING (imported_no)
JOIN imported_link l USING (imported_no)
JOIN import_source s USING (source_no)
LEFT JOIN endpoint e ON e.endpoint_no = l.endpoint_no
WHERE d.day >= CAST($1 AS DATE) AND d.day < CAST($2 AS DATE)
ORDER BY d.day, i.model, i.variant, endpoint_id, i.tag, i.provider_name, s.source_no
