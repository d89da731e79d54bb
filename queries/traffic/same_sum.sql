-- Sums without an id that are already there in the same source for the same period and the same model, provider, app
-- and key. The sum of a day that is not over grows from export to export. If one file has several of them, the log
-- distinguishes them by something that is not stored, and only equal ones are the same.
WITH old AS (
    SELECT
        c.rowid AS place, c.file_id, c."at", c.ended_at, c.session, c.model_sent, c.model_served,
        coalesce(c.endpoint_id, c.provider_tag, c.provider_name) AS provider, c.app, c.key, c.service_tier,
        c.raw_input, c.raw_output, coalesce(c.output_text, 0) + coalesce(c.reasoning, 0) AS output, c.output_is_minimum,
        count(*) OVER (
            PARTITION BY c."at", c.ended_at, c.session, c.model_sent, c.model_served,
                coalesce(c.endpoint_id, c.provider_tag, c.provider_name), c.app, c.key, c.service_tier
        ) AS alike
    FROM call c
    WHERE c.id IS NULL
        AND c.aggregated IS NOT NULL
        AND c.file_id IN (SELECT file_id FROM log_file WHERE source = $3)
        AND c."at" BETWEEN CAST($1 AS TIMESTAMP) AND CAST($2 AS TIMESTAMP)
), new AS (
    SELECT
        i.*,
        count(*) OVER (
            PARTITION BY i."at", i.ended_at, i.session, i.model_sent, i.model_served, i.provider, i.app, i.key,
                i.service_tier
        ) AS alike
    FROM incoming i
    WHERE i.id IS NULL AND i.aggregated IS NOT NULL
)
SELECT n.number, o.place, o.file_id, o."at" AS started_at, o.output, o.output_is_minimum
FROM new n
JOIN old o ON o."at" = n."at"
    AND o.ended_at IS NOT DISTINCT FROM n.ended_at
    AND o.session IS NOT DISTINCT FROM n.session
    AND o.model_sent IS NOT DISTINCT FROM n.model_sent
    AND o.model_served IS NOT DISTINCT FROM n.model_served
    AND o.provider IS NOT DISTINCT FROM n.provider
    AND o.app IS NOT DISTINCT FROM n.app
    AND o.key IS NOT DISTINCT FROM n.key
    AND o.service_tier IS NOT DISTINCT FROM n.service_tier
WHERE o.alike = 1 AND n.alike = 1
    OR o.raw_input IS NOT DISTINCT FROM n.raw_input AND o.raw_output IS NOT DISTINCT FROM n.raw_output
ORDER BY n.number, o.place
