-- The names of calls whose model is not known, each combination once.
SELECT DISTINCT model_sent, model_served, provider_name, provider_tag, endpoint_id
FROM call
WHERE model_key IS NULL AND coalesce(model_sent, model_served, endpoint_id) IS NOT NULL
ORDER BY ALL
