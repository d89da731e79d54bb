-- One row per state of an endpoint: what the upstream states about it besides prices.
-- time: valid_from
-- endpoint_id | UUID | id of the endpoint, as text
-- model | | canonical slug of the model
-- variant | | variant of the model
-- provider | | base slug of the provider
-- provider_name | | display name of the provider
-- tag | | routing name
-- quantization | | as the provider declares it
-- context_length | tokens | longest context
-- max_prompt_tokens | tokens | longest prompt; null: only the context limits it
-- max_completion_tokens | tokens | longest answer
-- region | | where it runs, as the upstream publishes it
-- trains_on_prompts | | whether prompts may be used for training
-- retains_prompts | | whether prompts are kept
-- parameters | JSON | list of supported request parameters
-- restricted | | whether the upstream marks it as restricted
-- deranked | | whether the upstream de-ranks it
-- disabled | | whether it is switched off
-- deprecation_date | UTC | when the upstream will stop offering it; null: no date is set
-- created_at | UTC | when the upstream began to offer it
-- first_seen | UTC | first run that saw the endpoint
-- valid_from | UTC | first run that saw this state
-- valid_to | UTC | first run that no longer saw it; null: still valid
SELECT CAST(e.endpoint_id AS VARCHAR) AS endpoint_id, e.model, e.variant, h.provider, h.provider_name, h.tag,
    h.quantization, h.context_length, h.max_prompt_tokens, h.max_completion_tokens, h.region, h.trains_on_prompts,
    h.retains_prompts, h.parameters, h.restricted, h.deranked, h.disabled, h.deprecation_date, h.created_at,
    e.first_seen, h.valid_from, h.valid_to
FROM endpoint_history h JOIN endpoint e USING (endpoint_no)
WHERE h.valid_from >= CAST($1 AS TIMESTAMP) AND h.valid_from < CAST($2 AS TIMESTAMP)
ORDER BY h.valid_from, e.model, e.variant, endpoint_id
