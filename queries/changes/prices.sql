-- Every move of the list prices of an endpoint: consecutive rows that differ, also across a gap in which the endpoint was
-- gone. Parameters: as_of, the time from which readings are looked up.
-- `last_read` is the last reading of the endpoint before the move; null for older moves. `price_1h_known` is whether the row before could have
-- a price of writes for an hour: a record of an older version has none, so the first one is not a change.
WITH listed AS (
    SELECT *, lag(valid_from) OVER in_turn AS was_from,
        lag(list_input) OVER in_turn AS was_input, lag(list_output) OVER in_turn AS was_output,
        lag(list_cache_read) OVER in_turn AS was_cache_read, lag(list_cache_write) OVER in_turn AS was_cache_write,
        lag(list_cache_write_1h) OVER in_turn AS was_cache_write_1h,
        lag(discount) OVER in_turn AS was_discount, lag(price_tiers) OVER in_turn AS was_tiers
    FROM price_history
    WHERE valid_from <= CAST($1 AS TIMESTAMP)
    WINDOW in_turn AS (PARTITION BY endpoint_no ORDER BY valid_from)
), moved AS MATERIALIZED (
    SELECT * FROM listed
    WHERE was_from IS NOT NULL
      AND (list_input IS DISTINCT FROM was_input OR list_output IS DISTINCT FROM was_output
        OR list_cache_read IS DISTINCT FROM was_cache_read OR list_cache_write IS DISTINCT FROM was_cache_write
        OR list_cache_write_1h IS DISTINCT FROM was_cache_write_1h OR discount IS DISTINCT FROM was_discount
        OR price_tiers IS DISTINCT FROM was_tiers)
), seen AS (
    SELECT r.endpoint_no, run.observed_at
    FROM reading r JOIN run USING (run_no)
    WHERE r.endpoint_no IN (SELECT endpoint_no FROM moved WHERE valid_from >= CAST($2 AS TIMESTAMP))
      AND run.observed_at >= CAST($2 AS TIMESTAMP) AND run.status NOT IN ('failed', 'suspect')
), dated AS (
    SELECT m.*, seen.observed_at AS last_read
    FROM moved m
    ASOF LEFT JOIN seen ON m.endpoint_no = seen.endpoint_no AND m.valid_from > seen.observed_at
), known AS (
    SELECT least(
        (SELECT min(valid_from) FROM endpoint_history
         WHERE max_prompt_tokens IS NOT NULL OR deprecation_date IS NOT NULL OR created_at IS NOT NULL),
        (SELECT min(valid_from) FROM price_history WHERE list_cache_write_1h IS NOT NULL)) AS since
), facts AS (
    SELECT endpoint_no, valid_from, max_by(provider, rowid) AS provider, max_by(tag, rowid) AS tag
    FROM endpoint_history GROUP BY ALL
), names AS (
    SELECT model, variant, valid_from, min(model_id) AS model_id FROM model_history GROUP BY ALL
)
SELECT d.valid_from AS at, d.last_read, CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant,
    n.model_id, f.provider, f.tag,
    CAST(d.was_input AS DOUBLE) AS was_input, CAST(d.list_input AS DOUBLE) AS now_input,
    CAST(d.was_output AS DOUBLE) AS was_output, CAST(d.list_output AS DOUBLE) AS now_output,
    CAST(d.was_cache_read AS DOUBLE) AS was_cache_read, CAST(d.list_cache_read AS DOUBLE) AS now_cache_read,
    CAST(d.was_cache_write AS DOUBLE) AS was_cache_write, CAST(d.list_cache_write AS DOUBLE) AS now_cache_write,
    CAST(d.was_cache_write_1h AS DOUBLE) AS was_cache_write_1h,
    CAST(d.list_cache_write_1h AS DOUBLE) AS now_cache_write_1h,
    d.was_discount, d.discount AS now_discount,
    coalesce(d.was_tiers, '[]') AS was_tiers, coalesce(d.price_tiers, '[]') AS now_tiers,
    coalesce(d.was_from >= known.since OR d.last_read >= known.since, true) AS price_1h_known
FROM known, dated d
JOIN endpoint e USING (endpoint_no)
ASOF LEFT JOIN facts f ON f.endpoint_no = d.endpoint_no AND d.valid_from >= f.valid_from
ASOF LEFT JOIN names n ON n.model = e.model AND n.variant = e.variant AND d.valid_from >= n.valid_from
ORDER BY d.valid_from, e.model, e.variant, endpoint_id
