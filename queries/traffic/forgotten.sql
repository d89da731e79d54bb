-- The time of the calls of each file that are about to be deleted, with the same conditions as in forget.sql.
INSERT INTO deletion (file_id, first_at, last_at)
SELECT file_id, min("at"), max("at")
FROM call
WHERE "at" IS NOT NULL
    AND ($1 IS NULL OR file_id IN (SELECT file_id FROM log_file WHERE source = $1))
    AND ($2 IS NULL OR "at" >= CAST($2 AS TIMESTAMP))
    AND ($3 IS NULL OR "at" < CAST($3 AS TIMESTAMP))
GROUP BY file_id
