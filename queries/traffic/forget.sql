-- Deletes calls by source and time. A call without a time is deleted only if no time is given.
DELETE FROM call
WHERE ($1 IS NULL OR file_id IN (SELECT file_id FROM log_file WHERE source = $1))
    AND ($2 IS NULL OR "at" >= CAST($2 AS TIMESTAMP))
    AND ($3 IS NULL OR "at" < CAST($3 AS TIMESTAMP))
