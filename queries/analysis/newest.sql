-- One row per open endpoint at as_of. Parameters: as_of, the start of the lens window.
-- Health is that of the endpoint's newest reading. An endpoint whose list was not answered in the newest run keeps its
-- last reading for at most two days; `reading_s` is the time of that reading. Usage is that of the UTC day of the
-- newest run: the last reading that does not decrease, so that a stale copy or the first minutes of the next day never
-- count as today.
WITH newest AS MATERIALIZED (
    SELECT run_no, observed_at, window_kind FROM run
    WHERE observed_at <= CAST($1 AS TIMESTAMP) AND status NOT IN ('failed', 'suspect')
    ORDER BY observed_at DESC LIMIT 1
), recent AS MATERIALIZED (
    SELECT run.run_no, run.observed_at, CAST(run.observed_at AS DATE) AS day, run.window_kind
    FROM run, newest
    WHERE run.observed_at <= newest.observed_at AND run.observed_at > newest.observed_at - INTERVAL 2 DAY
      AND run.status NOT IN ('failed', 'suspect')
), facts AS (
    SELECT h.* FROM endpoint_history h, newest
    WHERE h.valid_from <= newest.observed_at AND (h.valid_to IS NULL OR h.valid_to > newest.observed_at)
), prices AS (
    SELECT p.*,
        -- Whether another price of a prompt token held earlier on the same UTC day: usage of that day is then billed at
        -- both. What counts as a move is the same as in days.sql.
        EXISTS (SELECT 1 FROM price_history q
            WHERE q.endpoint_no = p.endpoint_no AND q.valid_from < p.valid_from
              AND q.valid_to >= CAST(newest.observed_at AS DATE)
              AND (coalesce(abs(CAST(p.list_input - q.list_input AS DOUBLE)) > 0.001 * CAST(q.list_input AS DOUBLE),
                    p.list_input IS DISTINCT FROM q.list_input)
                OR coalesce(abs(CAST(p.list_cache_read - q.list_cache_read AS DOUBLE))
                    > 0.001 * CAST(q.list_cache_read AS DOUBLE), p.list_cache_read IS DISTINCT FROM q.list_cache_read)))
            AS moved_today
    FROM price_history p, newest
    WHERE p.valid_from <= newest.observed_at AND (p.valid_to IS NULL OR p.valid_to > newest.observed_at)
), held AS MATERIALIZED (
    -- List prices with the seconds of the lens window that each held, and whether they moved within it: as in days.sql.
    SELECT p.*,
        date_diff('second', greatest(p.valid_from, CAST($2 AS TIMESTAMP)),
            least(coalesce(p.valid_to, newest.observed_at), newest.observed_at)) AS seconds,
        p.valid_from > CAST($2 AS TIMESTAMP) AND lag(p.valid_from) OVER in_turn IS NOT NULL AND coalesce(
            abs(CAST(p.list_input - lag(p.list_input) OVER in_turn AS DOUBLE))
                > 0.001 * CAST(lag(p.list_input) OVER in_turn AS DOUBLE),
            p.list_input IS DISTINCT FROM lag(p.list_input) OVER in_turn) AS input_moved,
        p.valid_from > CAST($2 AS TIMESTAMP) AND lag(p.valid_from) OVER in_turn IS NOT NULL AND coalesce(
            abs(CAST(p.list_cache_read - lag(p.list_cache_read) OVER in_turn AS DOUBLE))
                > 0.001 * CAST(lag(p.list_cache_read) OVER in_turn AS DOUBLE),
            p.list_cache_read IS DISTINCT FROM lag(p.list_cache_read) OVER in_turn) AS read_moved
    FROM price_history p, newest
    WHERE p.valid_from <= newest.observed_at AND (p.valid_to IS NULL OR p.valid_to > CAST($2 AS TIMESTAMP))
    WINDOW in_turn AS (PARTITION BY p.endpoint_no ORDER BY p.valid_from)
), listed AS (
    SELECT endpoint_no,
        min(list_input) AS lowest_input, max(list_input) AS highest_input,
        CAST(sum(list_input * seconds) AS DOUBLE) / nullif(sum(seconds) FILTER (list_input IS NOT NULL), 0) AS usual_input,
        min(list_output) AS lowest_output, max(list_output) AS highest_output,
        CAST(sum(list_output * seconds) AS DOUBLE) / nullif(sum(seconds) FILTER (list_output IS NOT NULL), 0) AS usual_output,
        min(list_cache_read) AS lowest_cache_read, max(list_cache_read) AS highest_cache_read,
        CAST(sum(list_cache_read * seconds) AS DOUBLE) / nullif(sum(seconds) FILTER (list_cache_read IS NOT NULL), 0) AS usual_cache_read,
        min(list_cache_write) AS lowest_cache_write, max(list_cache_write) AS highest_cache_write,
        CAST(sum(list_cache_write * seconds) AS DOUBLE) / nullif(sum(seconds) FILTER (list_cache_write IS NOT NULL), 0) AS usual_cache_write,
        min(list_cache_write_1h) AS lowest_cache_write_1h, max(list_cache_write_1h) AS highest_cache_write_1h,
        CAST(sum(list_cache_write_1h * seconds) AS DOUBLE) / nullif(sum(seconds) FILTER (list_cache_write_1h IS NOT NULL), 0) AS usual_cache_write_1h,
        count(*) FILTER (input_moved OR read_moved) AS list_moves
    FROM held
    GROUP BY endpoint_no
), returned AS (
    -- Moves of the input price to one that held before in the window.
    SELECT h.endpoint_no, count(*) AS list_returns
    FROM held h
    WHERE h.input_moved
      AND EXISTS (SELECT 1 FROM held q
          WHERE q.endpoint_no = h.endpoint_no AND q.valid_from < h.valid_from
            AND abs(CAST(h.list_input - q.list_input AS DOUBLE)) <= 0.001 * CAST(q.list_input AS DOUBLE))
    GROUP BY h.endpoint_no
), models AS (
    SELECT m.* FROM model_history m, newest
    WHERE m.valid_from <= newest.observed_at AND (m.valid_to IS NULL OR m.valid_to > newest.observed_at)
    QUALIFY row_number() OVER (PARTITION BY m.model, m.variant ORDER BY m.created, m.model_id) = 1
), seen AS MATERIALIZED (
    SELECT endpoint_no, max(run_no) AS run_no
    FROM reading JOIN recent USING (run_no) JOIN facts USING (endpoint_no)
    GROUP BY endpoint_no
), health AS (
    SELECT r.*, recent.observed_at AS seen_at
    FROM reading r JOIN seen USING (endpoint_no, run_no) JOIN recent USING (run_no)
), usage AS (
    SELECT endpoint_no,
        max_by(struct_pack(h := hit_rate, t := tokens, i := effective_input, o := effective_output),
            struct_pack(tokens := coalesce(tokens, -1), run_no := run_no)) AS usage
    FROM reading JOIN recent USING (run_no), newest
    WHERE has_usage
      AND CASE WHEN newest.window_kind = 'day_to_date'
          THEN recent.window_kind = 'day_to_date'
            AND recent.day - usage_day_back = CAST(newest.observed_at AS DATE)
          ELSE run_no = newest.run_no END
    GROUP BY endpoint_no
)
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant, f.* EXCLUDE (endpoint_no, valid_from, valid_to),
    CAST(epoch(m.created) AS BIGINT) AS model_created_s,
    CAST(epoch(newest.observed_at) AS BIGINT) AS observed_s,
    CAST(epoch(e.first_seen) AS BIGINT) AS first_seen_s,
    u.usage.h AS hit_rate, u.usage.t AS tokens, u.usage.i AS effective_input, u.usage.o AS effective_output,
    CAST(p.list_input AS DOUBLE) AS list_input, CAST(p.list_output AS DOUBLE) AS list_output,
    CAST(p.list_cache_read AS DOUBLE) AS list_cache_read, CAST(p.list_cache_write AS DOUBLE) AS list_cache_write,
    coalesce(p.price_tiers, '[]') AS price_tiers_json,
    coalesce(p.list_cache_write > 0, false) AS billed_writes,
    r.uptime_5m, r.uptime_30m, r.uptime_1d,
    CASE WHEN r.success_1d + r.error_1d + r.rate_limited_1d > 0
         THEN r.success_1d / (r.success_1d + r.error_1d + r.rate_limited_1d) END AS availability_1d,
    CAST(r.status AS INTEGER) AS status,
    r.throughput, r.latency_ms,
    newest.window_kind = 'day_to_date' AS window_day_to_date,
    CAST(epoch(r.seen_at) AS BIGINT) AS reading_s,
    CAST(p.list_cache_write_1h AS DOUBLE) AS list_cache_write_1h,
    coalesce(p.moved_today, false) AS price_moved_today,
    w.usual_input, CAST(w.lowest_input AS DOUBLE) AS lowest_input, CAST(w.highest_input AS DOUBLE) AS highest_input,
    w.usual_output, CAST(w.lowest_output AS DOUBLE) AS lowest_output, CAST(w.highest_output AS DOUBLE) AS highest_output,
    w.usual_cache_read, CAST(w.lowest_cache_read AS DOUBLE) AS lowest_cache_read, CAST(w.highest_cache_read AS DOUBLE) AS highest_cache_read,
    w.usual_cache_write, CAST(w.lowest_cache_write AS DOUBLE) AS lowest_cache_write, CAST(w.highest_cache_write AS DOUBLE) AS highest_cache_write,
    w.usual_cache_write_1h, CAST(w.lowest_cache_write_1h AS DOUBLE) AS lowest_cache_write_1h, CAST(w.highest_cache_write_1h AS DOUBLE) AS highest_cache_write_1h,
    w.list_moves, coalesce(b.list_returns, 0) AS list_returns
FROM newest
CROSS JOIN health r
JOIN endpoint e USING (endpoint_no)
JOIN facts f USING (endpoint_no)
LEFT JOIN usage u USING (endpoint_no)
LEFT JOIN prices p USING (endpoint_no)
LEFT JOIN listed w USING (endpoint_no)
LEFT JOIN returned b USING (endpoint_no)
LEFT JOIN models m ON m.model = e.model AND m.variant = e.variant
ORDER BY e.model, e.variant, endpoint_id
