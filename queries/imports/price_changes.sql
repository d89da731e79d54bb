-- Changes of imported list prices from before the record. Parameters: from, to, as of. A price that a source leaves out is
-- no change, except a cache price of a source that has such prices: it is not listed then.
WITH seen AS (
    SELECT endpoint_no, min(valid_from) AS first_seen FROM price_history
    WHERE valid_from <= CAST($3 AS TIMESTAMP) GROUP BY endpoint_no
), models AS (
    SELECT model, variant, min(valid_from) AS first_seen, arg_max(model_id, valid_from) AS model_id
    FROM model_history WHERE valid_from <= CAST($3 AS TIMESTAMP) GROUP BY model, variant
), first_run AS (
    SELECT min(observed_at) AS observed_at FROM run
    WHERE status NOT IN ('failed', 'suspect') AND observed_at <= CAST($3 AS TIMESTAMP)
), named AS (
    SELECT endpoint_no, provider, tag FROM endpoint_history WHERE valid_from <= CAST($3 AS TIMESTAMP)
    QUALIFY row_number() OVER (PARTITION BY endpoint_no ORDER BY valid_from) = 1
), prices AS (
    SELECT CASE WHEN l.endpoint_no IS NULL THEN concat('=', p.imported_no) ELSE concat('#', l.endpoint_no) END AS who, l.endpoint_no,
        coalesce(m.model, i.model) AS model, i.variant,
        coalesce(m.model_id, concat(i.model, CASE i.variant WHEN 'standard' THEN '' ELSE concat(':', i.variant) END)) AS model_id,
        coalesce(CAST(e.endpoint_id AS VARCHAR), CAST(i.endpoint_id AS VARCHAR)) AS endpoint_id,
        coalesce(n.provider, i.provider) AS provider, coalesce(n.tag, i.tag) AS tag,
        p.since, s.source_no, p.list_input IS NOT NULL AS is_priced,
        -- What the upstream offers is one series, although each answer is a source of its own.
        CASE s.kind WHEN 'listed_prices' THEN s.kind ELSE CAST(s.source_no AS VARCHAR) END AS series,
        CASE s.kind WHEN 'listed_prices' THEN s.kind ELSE s.name END AS source,
        coalesce(f.first_seen, m.first_seen, r.observed_at) AS known_since,
        p.list_input, p.list_output, p.list_cache_read, p.list_cache_write, p.discount
    FROM imported_price p
    JOIN imported_endpoint i USING (imported_no) JOIN imported_link l USING (imported_no)
    JOIN import_source s USING (source_no) CROSS JOIN first_run r
    LEFT JOIN endpoint e ON e.endpoint_no = l.endpoint_no
    LEFT JOIN seen f ON f.endpoint_no = l.endpoint_no
    LEFT JOIN named n ON n.endpoint_no = l.endpoint_no
    LEFT JOIN models m ON m.variant = i.variant AND (m.model = i.model OR split_part(m.model_id, ':', 1) = i.model)
    WHERE p.differs IS NULL AND p.since <= CAST($3 AS TIMESTAMP)
    QUALIFY row_number() OVER (PARTITION BY p.source_no, p.imported_no, p.since ORDER BY m.model = i.model DESC, m.first_seen) = 1
), fields AS (
    FROM prices UNPIVOT INCLUDE NULLS (
        price FOR field IN (list_input, list_output, list_cache_read, list_cache_write, discount)
    )
), stated AS (
    SELECT DISTINCT series, field FROM fields WHERE price IS NOT NULL AND field IN ('list_cache_read', 'list_cache_write')
), moved AS (
    SELECT f.*, row_number() OVER turn AS position, lag(f.price) OVER turn AS before
    FROM fields f LEFT JOIN stated s USING (series, field)
    WHERE f.price IS NOT NULL OR (s.series IS NOT NULL AND f.is_priced)
    WINDOW turn AS (PARTITION BY f.who, f.field ORDER BY f.since, f.source_no)
)
SELECT since, model, variant, model_id, endpoint_id, provider, tag, field, before, price AS after, source
FROM moved
WHERE position > 1
    AND (abs(price - before) > 1e-6 * abs(before) + 1e-9 OR (price IS NULL) <> (before IS NULL))
    AND (known_since IS NULL OR since < known_since)
    AND since >= CAST($1 AS TIMESTAMP) AND since < CAST($2 AS TIMESTAMP)
ORDER BY since DESC, model, variant, endpoint_id, field
