-- The providers known at as_of: listed, or the provider of an endpoint. Parameter: as_of.
WITH listed AS (
    SELECT provider, name, headquarters, status_page, privacy_policy, terms_of_service
    FROM provider_history
    WHERE valid_from <= CAST($1 AS TIMESTAMP)
    QUALIFY row_number() OVER (PARTITION BY provider ORDER BY valid_from DESC) = 1
), seen AS (
    SELECT provider, min(provider_name) AS name FROM endpoint_history
    WHERE valid_from <= CAST($1 AS TIMESTAMP)
    GROUP BY provider
)
SELECT coalesce(l.provider, s.provider) AS provider, coalesce(l.name, s.name) AS name,
    l.headquarters, l.status_page, l.privacy_policy, l.terms_of_service
FROM listed l FULL JOIN seen s ON s.provider = l.provider
ORDER BY 1
