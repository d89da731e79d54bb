-- The models listed at as_of. Parameter: as_of.
SELECT model, variant, model_id, name, CAST(epoch(created) AS BIGINT) AS created_s, context_length
FROM model_history
WHERE valid_from <= CAST($1 AS TIMESTAMP) AND (valid_to IS NULL OR valid_to > CAST($1 AS TIMESTAMP))
ORDER BY model, variant
