-- The imported files with what is left of them.
WITH kept AS (
    SELECT
        file_id, count(*) AS calls, min("at") AS first_at, max("at") AS last_at,
        count(*) FILTER (WHERE is_ambiguous) AS ambiguous,
        count(*) FILTER (WHERE model_key IS NULL) AS unknown_models
    FROM call
    GROUP BY file_id
)
SELECT
    f.file_id, f.format, f.source, f.path, f.sha256, f.bytes, f.imported_at,
    coalesce(k.calls, 0) AS calls, f.duplicates, k.first_at, k.last_at, coalesce(k.ambiguous, 0) AS ambiguous,
    coalesce(k.unknown_models, 0) AS unknown_models, f.unread, f.decisions, f.states_failures
FROM log_file f
LEFT JOIN kept k ON k.file_id = f.file_id
ORDER BY f.imported_at, f.file_id
