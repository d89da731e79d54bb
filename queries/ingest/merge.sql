-- Merges the stage into the record: readings are appended; rarely changing rows are closed and reopened only on change.

INSERT INTO stored_reading
SELECT run_no, endpoint_no,
    CASE WHEN hit_rate = 0 THEN [] WHEN hit_rate IS NOT NULL THEN [hit_rate] END, tokens,
    CASE WHEN effective_input IS NOT NULL THEN [effective_input] END,
    CASE WHEN effective_output IS NOT NULL THEN [effective_output] END,
    CASE WHEN down_5m = 0 THEN [] WHEN down_5m > 0 THEN [struct_pack(down := down_5m, total := of_5m)] END,
    CASE WHEN down_30m = 0 THEN [] WHEN down_30m > 0 THEN [struct_pack(down := down_30m, total := of_30m)] END,
    CASE WHEN down_1d = 0 THEN [] WHEN down_1d > 0 THEN [struct_pack(down := down_1d, total := of_1d)] END,
    exact_5m, exact_30m, exact_1d,
    status, success_1d, error_1d, rate_limited_1d, throughput, latency_ms, requests_30m, usage_day_back, usage_after_s
FROM stage_reading, stage_run
-- Every other run in descending order: the number then changes by one from row to row, which compresses to almost
-- nothing.
ORDER BY CASE WHEN run_no % 2 = 0 THEN endpoint_no ELSE -endpoint_no END;

-- Endpoints of models whose list was not answered remain unchanged. If only some rows of a list could be read, the
-- endpoints missing from it remain unchanged, too.
CREATE OR REPLACE TEMP TABLE stage_kept AS
SELECT endpoint_no FROM endpoint JOIN stage_unanswered USING (model, variant)
WHERE NOT incomplete OR endpoint_no NOT IN (SELECT endpoint_no FROM stage_reading);

-- One open row an endpoint: a store of an older version may hold more, from a UUID that two documents listed.
UPDATE endpoint_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND rowid NOT IN (SELECT max(rowid) FROM endpoint_history WHERE valid_to IS NULL GROUP BY endpoint_no);

-- Closed unless the stage has the same row: EXCEPT compares all columns and treats nulls as equal.
UPDATE endpoint_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND endpoint_no NOT IN (SELECT endpoint_no FROM stage_kept)
  AND endpoint_no IN (
    SELECT endpoint_no FROM (
        SELECT * EXCLUDE (valid_from, valid_to) FROM endpoint_history WHERE valid_to IS NULL
        EXCEPT SELECT * FROM stage_facts
    )
  );

INSERT INTO endpoint_history BY NAME
SELECT DISTINCT ON (endpoint_no) s.*, observed_at AS valid_from
FROM stage_facts s, stage_run
WHERE NOT EXISTS (SELECT 1 FROM endpoint_history h WHERE h.endpoint_no = s.endpoint_no AND h.valid_to IS NULL)
ORDER BY endpoint_no;

UPDATE price_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND rowid NOT IN (SELECT max(rowid) FROM price_history WHERE valid_to IS NULL GROUP BY endpoint_no);

UPDATE price_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND endpoint_no NOT IN (SELECT endpoint_no FROM stage_kept)
  AND endpoint_no IN (
    SELECT endpoint_no FROM (
        SELECT * EXCLUDE (valid_from, valid_to) FROM price_history WHERE valid_to IS NULL
        EXCEPT SELECT * FROM stage_prices
    )
  );

INSERT INTO price_history BY NAME
SELECT DISTINCT ON (endpoint_no) s.*, observed_at AS valid_from
FROM stage_prices s, stage_run
WHERE NOT EXISTS (SELECT 1 FROM price_history h WHERE h.endpoint_no = s.endpoint_no AND h.valid_to IS NULL)
ORDER BY endpoint_no;

-- One open row per model: the store of an older version may contain more, from a list that named a model twice.
UPDATE model_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND rowid NOT IN (SELECT max(rowid) FROM model_history WHERE valid_to IS NULL GROUP BY model_id);

UPDATE model_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND NOT EXISTS (
    SELECT 1 FROM stage_model s
    WHERE s.model_id = model_history.model_id
      AND s.model = model_history.model
      AND s.name = model_history.name
      AND CAST(s.created AS TIMESTAMP) IS NOT DISTINCT FROM model_history.created
      AND s.context_length IS NOT DISTINCT FROM model_history.context_length
  );

INSERT INTO model_history
SELECT model, variant, model_id, name, CAST(created AS TIMESTAMP), context_length, observed_at, NULL
FROM (SELECT DISTINCT ON (model_id) * FROM stage_model ORDER BY model_id, model, variant, name) s, stage_run
WHERE NOT EXISTS (SELECT 1 FROM model_history h WHERE h.model_id = s.model_id AND h.valid_to IS NULL)
ORDER BY model_id;

-- Without a list of models, aliases stay as they were.
UPDATE alias_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND EXISTS (SELECT 1 FROM stage_model)
  AND NOT EXISTS (
    SELECT 1 FROM stage_alias s WHERE s.alias = alias_history.alias AND s.model_id = alias_history.model_id
  );

INSERT INTO alias_history
SELECT alias, model_id, observed_at, NULL
FROM (SELECT DISTINCT ON (alias) * FROM stage_alias ORDER BY alias, model_id) s, stage_run
WHERE NOT EXISTS (SELECT 1 FROM alias_history h WHERE h.alias = s.alias AND h.valid_to IS NULL)
ORDER BY alias;

-- A provider that is missing from the list keeps its row: absence from one list proves nothing.
UPDATE provider_history SET valid_to = (SELECT observed_at FROM stage_run)
WHERE valid_to IS NULL
  AND EXISTS (
    SELECT 1 FROM stage_provider s
    WHERE s.provider = provider_history.provider
      AND (s.name <> provider_history.name
        OR s.headquarters IS DISTINCT FROM provider_history.headquarters
        OR s.status_page IS DISTINCT FROM provider_history.status_page
        OR s.privacy_policy IS DISTINCT FROM provider_history.privacy_policy
        OR s.terms_of_service IS DISTINCT FROM provider_history.terms_of_service)
  );

INSERT INTO provider_history
SELECT provider, name, headquarters, status_page, privacy_policy, terms_of_service, observed_at, NULL
FROM stage_provider s, stage_run
WHERE NOT EXISTS (SELECT 1 FROM provider_history h WHERE h.provider = s.provider AND h.valid_to IS NULL)
ORDER BY provider;

-- Past days of the charts: stored if they are new or restated.
INSERT INTO closing_price
WITH known AS (
    SELECT endpoint_no, day, effective_input, effective_output
    FROM closing_price
    WHERE day >= (SELECT min(CAST(day AS DATE)) FROM stage_closing)
    QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY run_no DESC) = 1
)
SELECT s.endpoint_no, CAST(s.day AS DATE), s.effective_input, s.effective_output, run_no
FROM stage_run, stage_closing s
LEFT JOIN known k ON k.endpoint_no = s.endpoint_no AND k.day = CAST(s.day AS DATE)
WHERE k.endpoint_no IS NULL
   OR (k.effective_input IS NULL) <> (s.effective_input IS NULL)
   OR (k.effective_output IS NULL) <> (s.effective_output IS NULL)
   OR abs(k.effective_input - s.effective_input) > 1e-9 * abs(k.effective_input)
   OR abs(k.effective_output - s.effective_output) > 1e-9 * abs(k.effective_output)
ORDER BY 1, 2;

-- Closing hit rates: the same. The series of an endpoint that no run has seen is only kept in the archive.
INSERT INTO closing_rate
WITH known AS (
    SELECT endpoint_no, day, hit_rate
    FROM closing_rate
    WHERE day >= (SELECT min(CAST(day AS DATE)) FROM stage_rate)
    QUALIFY row_number() OVER (PARTITION BY endpoint_no, day ORDER BY run_no DESC) = 1
)
SELECT e.endpoint_no, CAST(s.day AS DATE), s.hit_rate, run_no
FROM stage_run, stage_rate s
JOIN endpoint e ON e.endpoint_id = CAST(s.endpoint_id AS UUID)
LEFT JOIN known k ON k.endpoint_no = e.endpoint_no AND k.day = CAST(s.day AS DATE)
WHERE k.endpoint_no IS NULL OR abs(k.hit_rate - s.hit_rate) > 1e-9
ORDER BY 1, 2;

INSERT INTO activity
WITH known AS (
    SELECT * FROM activity
    QUALIFY row_number() OVER (PARTITION BY model, variant, day ORDER BY run_no DESC) = 1
)
SELECT s.model, s.variant, CAST(s.day AS DATE), s.prompt_tokens, s.completion_tokens, s.cached_tokens, s.requests,
    stage_run.run_no
FROM stage_run, stage_activity s
LEFT JOIN known k ON k.model = s.model AND k.variant = s.variant AND k.day = CAST(s.day AS DATE)
WHERE k.model IS NULL
   OR k.prompt_tokens <> s.prompt_tokens OR k.completion_tokens <> s.completion_tokens
   OR k.cached_tokens IS DISTINCT FROM s.cached_tokens OR k.requests IS DISTINCT FROM s.requests
ORDER BY 1, 2, 3;

DROP TABLE stage_run;
DROP TABLE stage_facts;
DROP TABLE stage_prices;
DROP TABLE stage_reading;
DROP TABLE stage_unanswered;
DROP TABLE stage_closing;
DROP TABLE stage_rate;
DROP TABLE stage_model;
DROP TABLE stage_provider;
DROP TABLE stage_activity;
DROP TABLE stage_kept;
