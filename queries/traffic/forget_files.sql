-- Deletes files of which nothing is left. Files that never had calls go only if no time is given.
DELETE FROM log_file
WHERE ($1 IS NULL OR source = $1)
    AND ($2 OR calls > 0)
    AND file_id NOT IN (SELECT file_id FROM call)
