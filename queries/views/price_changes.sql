-- One row per list price or discount of an endpoint that moved, also across a gap in which the endpoint was gone.
-- time: observed_at
-- observed_at | UTC | first run that saw the new price
-- endpoint_id | UUID | id of the endpoint, as text
-- model | | canonical slug of the model
-- variant | | variant of the model
-- provider | | base slug of the provider
-- tag | | routing name at that time
-- field | | what moved: `list_input`, `list_output`, `list_cache_read`, `list_cache_write`, `list_cache_write_1h` or `discount`
-- before | USD per million tokens | before the move, for `discount` as a fraction; null: there was none
-- after | USD per million tokens | after the move, for `discount` as a fraction; null: there is none
-- percent | percent | the move in percent of the value before; null: there was none, or it was 0
SELECT m.valid_from AS observed_at, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant, f.provider, f.tag,
    m.move.field AS field, m.move.before AS before, m.move.after AS after,
    CASE WHEN m.move.before <> 0 THEN (m.move.after / m.move.before - 1) * 100 END AS percent
FROM (
    SELECT endpoint_no, valid_from, unnest([
        {'field': 'list_input', 'before': CAST(was_input AS DOUBLE), 'after': CAST(list_input AS DOUBLE)},
        {'field': 'list_output', 'before': CAST(was_output AS DOUBLE), 'after': CAST(list_output AS DOUBLE)},
        {'field': 'list_cache_read', 'before': CAST(was_read AS DOUBLE), 'after': CAST(list_cache_read AS DOUBLE)},
        {'field': 'list_cache_write', 'before': CAST(was_write AS DOUBLE), 'after': CAST(list_cache_write AS DOUBLE)},
        -- A record of an older version has no price of writes for an hour: the first one that is known is no move.
        {'field': 'list_cache_write_1h',
            'before': CASE WHEN was_from < known_since THEN CAST(list_cache_write_1h AS DOUBLE)
                ELSE CAST(was_write_1h AS DOUBLE) END,
            'after': CAST(list_cache_write_1h AS DOUBLE)},
        {'field': 'discount', 'before': CAST(was_discount AS DOUBLE), 'after': CAST(discount AS DOUBLE)}
    ]) AS move
    FROM (
        SELECT *, lag(valid_from) OVER in_turn AS was_from,
            lag(list_input) OVER in_turn AS was_input, lag(list_output) OVER in_turn AS was_output,
            lag(list_cache_read) OVER in_turn AS was_read, lag(list_cache_write) OVER in_turn AS was_write,
            lag(list_cache_write_1h) OVER in_turn AS was_write_1h, lag(discount) OVER in_turn AS was_discount,
            min(valid_from) FILTER (WHERE list_cache_write_1h IS NOT NULL) OVER () AS known_since
        FROM price_history
        WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY valid_from)
    )
    WHERE was_from IS NOT NULL AND valid_from >= CAST($1 AS TIMESTAMP) AND valid_from < CAST($2 AS TIMESTAMP)
) m
JOIN endpoint e USING (endpoint_no)
ASOF LEFT JOIN (
    SELECT endpoint_no, valid_from, max_by(provider, rowid) AS provider, max_by(tag, rowid) AS tag
    FROM endpoint_history GROUP BY ALL
) f ON f.endpoint_no = m.endpoint_no AND m.valid_from >= f.valid_from
WHERE m.move.before IS DISTINCT FROM m.move.after
ORDER BY m.valid_from, e.model, e.variant, endpoint_id, field
