-- Calls that are already there under the same id. Ids of rows are unique within their source only.
SELECT
    i.number,
    c.rowid AS place,
    c.file_id,
    c."at" AS started_at,
    coalesce(c.output_text, 0) + coalesce(c.reasoning, 0) AS output,
    c.output_is_minimum
FROM incoming i
JOIN call c ON c.id = i.id AND c.id_kind = i.id_kind
WHERE (c."at" IS NULL OR c."at" BETWEEN CAST($1 AS TIMESTAMP) AND CAST($2 AS TIMESTAMP))
    AND (c.id_kind <> 'row' OR c.file_id IN (SELECT file_id FROM log_file WHERE source = $3))
ORDER BY i.number, place
