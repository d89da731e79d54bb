-- One row per state of a model and variant, as the upstream listed it.
-- time: valid_from
-- model | | canonical slug
-- variant | | `standard`, `free`, `batch`, `thinking`, …
-- model_id | | public name, with the suffix of the variant
-- name | | display name
-- created | UTC | when the upstream listed it
-- context_length | tokens | longest context
-- valid_from | UTC | first run that saw this state
-- valid_to | UTC | first run that no longer saw it; null: still valid
SELECT model, variant, model_id, name, created, context_length, valid_from, valid_to
FROM model_history
WHERE valid_from >= CAST($1 AS TIMESTAMP) AND valid_from < CAST($2 AS TIMESTAMP)
ORDER BY valid_from, model_id, model, variant
