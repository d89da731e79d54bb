-- Each price beside that of the record at that time and that of an earlier import for the same time. A change can be up to
-- one run older than the record knows: the price agrees if it is one of those that were valid from then to the next run.
-- A price of a time between runs that are far apart may have come and gone: another one contradicts nothing.
INSERT INTO compared
WITH mine AS (
    SELECT s.*, w.who, w.endpoint_no FROM stage_imported_price s JOIN imported_who w USING (imported_no)
), before_ AS (
    SELECT CAST(-1 AS BIGINT) AS place, w.who, p.since, p.source_no, p.list_input, p.list_output, p.list_cache_read,
        p.list_cache_write, p.discount
    FROM imported_price p JOIN imported_who w USING (imported_no)
    UNION ALL
    SELECT place, who, since, 2147483647, list_input, list_output, list_cache_read, list_cache_write, discount FROM mine
), firsts AS (
    SELECT who, since, min((source_no, place)) AS first_at,
        arg_min(list_input, (source_no, place)) AS old_input, arg_min(list_output, (source_no, place)) AS old_output,
        arg_min(list_cache_read, (source_no, place)) AS old_read,
        arg_min(list_cache_write, (source_no, place)) AS old_write, arg_min(discount, (source_no, place)) AS old_discount
    FROM before_ GROUP BY who, since
), accepted AS (
    SELECT observed_at FROM run WHERE status NOT IN ('failed', 'suspect')
), timed AS (
    SELECT m.*, n.observed_at AS next_run,
        coalesce(n.observed_at - p.observed_at <= INTERVAL 2 HOUR, false)
            OR coalesce(m.since - p.observed_at <= INTERVAL 10 MINUTE, false)
            OR coalesce(n.observed_at - m.since <= INTERVAL 10 MINUTE, false) AS is_near
    FROM mine m
    ASOF LEFT JOIN accepted n ON m.since <= n.observed_at
    ASOF LEFT JOIN accepted p ON m.since >= p.observed_at
), candidates AS (
    SELECT t.place, t.is_near, p.list_input, p.list_output, p.list_cache_read, p.list_cache_write, p.discount, p.valid_from,
        abs(coalesce(p.list_input, 0) - coalesce(t.list_input, 0)) + abs(coalesce(p.list_output, 0) - coalesce(t.list_output, 0))
            + abs(coalesce(p.list_cache_read, 0) - coalesce(t.list_cache_read, 0)) AS distance,
        coalesce(abs(p.list_input - t.list_input) <= 1e-6 * t.list_input + 1e-9, true)
            AND coalesce(abs(p.list_output - t.list_output) <= 1e-6 * t.list_output + 1e-9, true)
            AND coalesce(abs(p.list_cache_read - t.list_cache_read) <= 1e-6 * t.list_cache_read + 1e-9, true)
            AND coalesce(abs(p.list_cache_write - t.list_cache_write) <= 1e-6 * t.list_cache_write + 1e-9, true)
            AND coalesce(abs(p.discount - t.discount) <= 1e-6, true) AS agrees
    FROM timed t
    JOIN price_history p ON p.endpoint_no = t.endpoint_no AND p.valid_from <= t.next_run
        AND (p.valid_to IS NULL OR p.valid_to > t.since)
        AND t.since >= (SELECT min(observed_at) FROM accepted)
), fitting AS (
    SELECT * FROM candidates WHERE is_near OR agrees
    QUALIFY row_number() OVER (PARTITION BY place ORDER BY agrees DESC, distance, valid_from) = 1
), paired AS (
    SELECT m.*, f.* EXCLUDE (who, since), CAST(r.list_input AS DOUBLE) AS read_input,
        CAST(r.list_output AS DOUBLE) AS read_output, CAST(r.list_cache_read AS DOUBLE) AS read_read,
        CAST(r.list_cache_write AS DOUBLE) AS read_write, r.discount AS read_discount, r.place IS NOT NULL AS has_record,
        f.first_at < (2147483647, m.place) AS is_later
    FROM mine m JOIN firsts f USING (who, since) LEFT JOIN fitting r ON r.place = m.place
)
SELECT place, 'list input price', list_input, read_input, CASE WHEN is_later THEN old_input END,
    1e-6 * abs(list_input) + 1e-9, has_record
FROM paired
UNION ALL
SELECT place, 'list output price', list_output, read_output, CASE WHEN is_later THEN old_output END,
    1e-6 * abs(list_output) + 1e-9, has_record
FROM paired
UNION ALL
SELECT place, 'list price of cache reads', list_cache_read, read_read, CASE WHEN is_later THEN old_read END,
    1e-6 * abs(list_cache_read) + 1e-9, has_record
FROM paired
UNION ALL
SELECT place, 'list price of cache writes', list_cache_write, read_write, CASE WHEN is_later THEN old_write END,
    1e-6 * abs(list_cache_write) + 1e-9, has_record
FROM paired
UNION ALL
SELECT place, 'discount', discount, read_discount, CASE WHEN is_later THEN old_discount END, 1e-6, has_record FROM paired
