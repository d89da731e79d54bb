-- Calls without an id that are already there in the same source: the same time, models and counts. If a log has no
-- times, only an earlier version of the same file is compared, line by line. Equal calls of one file are counted, so
-- that a second one is not taken for the first.
WITH old AS (
    SELECT
        c."at", c.ended_at, CASE WHEN c."at" IS NULL THEN c.line END AS line, c.model_sent, c.model_served,
        c.raw_input, c.raw_output, c.status = 'ok' AS is_ok,
        count(*) AS calls,
        bool_or(c.file_id = $4) AS is_of_this_file
    FROM call c
    WHERE c.id IS NULL
        AND c.aggregated IS NULL
        AND c.file_id IN (SELECT file_id FROM log_file WHERE source = $3)
        AND (c."at" BETWEEN CAST($1 AS TIMESTAMP) AND CAST($2 AS TIMESTAMP) OR c."at" IS NULL AND c.file_id = $4)
    GROUP BY ALL
), new AS (
    SELECT
        i.number, i."at", i.ended_at, CASE WHEN i."at" IS NULL THEN i.line END AS line, i.model_sent, i.model_served,
        i.raw_input, i.raw_output, i.is_ok,
        row_number() OVER (
            PARTITION BY i."at", i.ended_at, CASE WHEN i."at" IS NULL THEN i.line END, i.model_sent, i.model_served,
                i.raw_input, i.raw_output, i.is_ok
            ORDER BY i.number
        ) AS nth
    FROM incoming i
    WHERE i.id IS NULL AND i.aggregated IS NULL
)
SELECT n.number, o.is_of_this_file
FROM new n
JOIN old o ON o."at" IS NOT DISTINCT FROM n."at"
    AND o.ended_at IS NOT DISTINCT FROM n.ended_at
    AND o.line IS NOT DISTINCT FROM n.line
    AND o.model_sent IS NOT DISTINCT FROM n.model_sent
    AND o.model_served IS NOT DISTINCT FROM n.model_served
    AND o.raw_input IS NOT DISTINCT FROM n.raw_input
    AND o.raw_output IS NOT DISTINCT FROM n.raw_output
    AND o.is_ok = n.is_ok
WHERE n.nth <= o.calls
ORDER BY n.number
