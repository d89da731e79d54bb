-- Completes the calls of one combination of names.
UPDATE call
SET
    model_key = $6,
    provider_key = $7,
    provider_tag = coalesce($8, provider_tag),
    endpoint_id = coalesce($9, endpoint_id),
    is_ambiguous = $10
WHERE model_key IS NULL
    AND model_sent IS NOT DISTINCT FROM $1
    AND model_served IS NOT DISTINCT FROM $2
    AND provider_name IS NOT DISTINCT FROM $3
    AND provider_tag IS NOT DISTINCT FROM $4
    AND endpoint_id IS NOT DISTINCT FROM $5
