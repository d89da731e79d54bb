-- One row per state of a provider, as the upstream listed it.
-- time: valid_from
-- provider | | base slug
-- name | | display name
-- headquarters | | country code
-- status_page | | address of its status page
-- privacy_policy | | address of its privacy policy
-- terms_of_service | | address of its terms
-- valid_from | UTC | first run that saw this state
-- valid_to | UTC | first run that no longer saw it; null: still valid
SELECT provider, name, headquarters, status_page, privacy_policy, terms_of_service, valid_from, valid_to
FROM provider_history
WHERE valid_from >= CAST($1 AS TIMESTAMP) AND valid_from < CAST($2 AS TIMESTAMP)
ORDER BY valid_from, provider
