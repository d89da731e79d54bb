-- The aliases of models at as_of. Parameter: as_of.
SELECT alias, model_id
FROM alias_history
WHERE valid_from <= CAST($1 AS TIMESTAMP) AND (valid_to IS NULL OR valid_to > CAST($1 AS TIMESTAMP))
ORDER BY alias
