-- The names by which changes can be filtered, also of models and endpoints that are gone: what each name is of, and for
-- an alias its newest target.
SELECT DISTINCT 'model' AS of_what, model_id AS name, CAST(NULL AS VARCHAR) AS target FROM model_history
UNION ALL SELECT DISTINCT 'model', model, NULL FROM endpoint
UNION ALL SELECT 'alias', alias, max_by(model_id, valid_from) FROM alias_history GROUP BY alias
UNION ALL SELECT DISTINCT 'provider', provider, NULL FROM endpoint_history
UNION ALL SELECT DISTINCT 'provider', provider, NULL FROM provider_history
UNION ALL SELECT DISTINCT 'endpoint', tag, NULL FROM endpoint_history
UNION ALL SELECT 'endpoint', CAST(endpoint_id AS VARCHAR), NULL FROM endpoint
ORDER BY of_what, name
