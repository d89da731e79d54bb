-- One row per imported source, endpoint (or model as a whole) and time: list prices from outside the record.
-- time: since
-- since | UTC | since when they hold, or when they were seen
-- endpoint_id | UUID | id of the endpoint, as text; null: the source has none and the record does not know it
-- model | | canonical slug of the model, or its public name if the source has no other
-- variant | | variant of the model
-- provider | | base slug of the provider; null here and in the other names: the model as a whole
-- provider_name | | display name of the provider
-- tag | | routing name
-- in_record | | whether the record knows the endpoint
-- source | | name of the source
-- kind | | kind of the source: `listed_prices`, `export`, `bodies` or `series`
-- list_input | USD per million tokens | prompt tokens
-- list_output | USD per million tokens | completion tokens
-- list_cache_read | USD per million tokens | prompt tokens read from the cache
-- list_cache_write | USD per million tokens | prompt tokens written to the cache
-- discount | fraction | already deducted from the prices
-- differs | | what differs from the record or an earlier source, with both values; null: nothing
SELECT p.since, CAST(coalesce(e.endpoint_id, i.endpoint_id) AS VARCHAR) AS endpoint_id, i.model, i.variant, i.provider,
    i.provider_name, i.tag, l.endpoint_no IS NOT NULL AS in_record, s.name AS source, s.kind,
    p.list_input, p.list_output, p.list_cache_read, p.list_cache_write, p.discount, p.differs
FROM imported_price p
JOIN imported_endpoint i USING (imported_no)
JOIN imported_link l USING (imported_no)
JOIN import_source s USING (source_no)
LEFT JOIN endpoint e ON e.endpoint_no = l.endpoint_no
WHERE p.since >= CAST($1 AS TIMESTAMP) AND p.since < CAST($2 AS TIMESTAMP)
ORDER BY p.since, i.model, i.variant, endpoint_id, i.tag, i.provider_name, s.source_no
