-- One row per model and UTC day: tokens over all endpoints, as the upstream last published them. The newest day is partial.
-- time: day
-- day | | UTC day
-- model | | canonical slug of the model
-- variant | | variant of the model
-- prompt_tokens | tokens | prompt tokens
-- completion_tokens | tokens | completion tokens
-- cached_tokens | tokens | prompt tokens found in a cache; null: not published
-- requests | requests | requests; null: not published
SELECT day, model, variant, prompt_tokens, completion_tokens, cached_tokens, requests
FROM activity
WHERE day >= CAST($1 AS DATE) AND day < CAST($2 AS DATE)
QUALIFY row_number() OVER (PARTITION BY model, variant, day ORDER BY run_no DESC) = 1
ORDER BY day, model, variant
