-- Pairs of a call that is being imported and one of another source that can be the same call under another id: the same
-- platform, model and token counts, and at most two seconds apart at the start or at the end. Nearest first.
SELECT
    i.number,
    c.rowid AS place,
    f.source,
    i.platform,
    least(
        abs(epoch_us(c."at") - epoch_us(i."at")),
        coalesce(abs(epoch_us(c.ended_at) - epoch_us(i.ended_at)), 9223372036854775807)
    ) AS distance
FROM incoming i
JOIN call c ON regexp_replace(c.platform, '^litellm:', '') = i.platform
    AND i.prompt IS NOT DISTINCT FROM CASE
        WHEN coalesce(c.uncached, c.read, c.write, c.write_5m, c.write_1h) IS NOT NULL
        THEN coalesce(c.uncached, 0) + coalesce(c.read, 0) + coalesce(c.write, 0) + coalesce(c.write_5m, 0)
            + coalesce(c.write_1h, 0)
    END
    AND i.output IS NOT DISTINCT FROM CASE
        WHEN coalesce(c.output_text, c.reasoning) IS NOT NULL
        THEN coalesce(c.output_text, 0) + coalesce(c.reasoning, 0)
    END
JOIN log_file f ON f.file_id = c.file_id
WHERE f.source <> $3
    AND c.aggregated IS NULL
    AND c."at" BETWEEN CAST($1 AS TIMESTAMP) AND CAST($2 AS TIMESTAMP)
    AND (
        abs(date_diff('second', c."at", i."at")) <= 2
        OR abs(date_diff('second', c.ended_at, i.ended_at)) <= 2
    )
    AND (
        c.model_key = i.model_key
        OR starts_with(i.model, lower(regexp_extract(coalesce(c.model_served, c.model_sent), '[^/]*$')))
        OR starts_with(lower(regexp_extract(coalesce(c.model_served, c.model_sent), '[^/]*$')), i.model)
        OR i.model IS NULL AND coalesce(c.model_served, c.model_sent) IS NULL
    )
ORDER BY distance, i.number, place
