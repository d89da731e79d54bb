-- Runs whose usage summaries cover another kind of window than those of the run before. Parameters: as_of.
WITH kinds AS (
    SELECT observed_at, window_kind AS now_kind, lag(window_kind) OVER (ORDER BY observed_at) AS was_kind
    FROM run
    WHERE observed_at <= CAST($1 AS TIMESTAMP) AND status NOT IN ('failed', 'suspect') AND window_kind <> 'unknown'
)
SELECT observed_at AS at, was_kind, now_kind FROM kinds WHERE was_kind <> now_kind ORDER BY observed_at
