-- Single calls, failures and replays in chronological order; never sums.
SELECT
    c."at" AS called_at, c.session, c.session_kind, c.agent, c.platform, coalesce(c.model_served, c.model_sent) AS model,
    c.model_key, c.provider_name, c.provider_key, c.provider_tag, c.endpoint_id, c.is_ambiguous,
    c.uncached, c.read, c.write, c.write_5m, c.write_1h, c.output_text, c.reasoning,
    c.paid, c.paid_kind, c.status, c.finish, c.gateway_cache_hit, c.latency_ms, c.ttft_ms
FROM call c
WHERE c.aggregated IS NULL
    AND ($1 IS NULL OR c."at" >= CAST($1 AS TIMESTAMP))
    AND ($2 IS NULL OR c."at" < CAST($2 AS TIMESTAMP))
    AND ($3 IS NULL OR c.model_key = $3)
    AND ($4 IS NULL OR c.file_id IN (SELECT file_id FROM log_file WHERE source = $4))
ORDER BY c."at" NULLS LAST, c.file_id, c.line
