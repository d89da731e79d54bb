-- Each count beside that of the record and that of an earlier import. The record counts for a day once a run of a later
-- day has read it.
INSERT INTO compared
WITH mine AS (
    SELECT * FROM stage_imported_activity
), before_ AS (
    SELECT CAST(-1 AS BIGINT) AS place, model, variant, day, source_no, prompt_tokens, completion_tokens, cached_tokens,
        requests
    FROM imported_activity
    UNION ALL
    SELECT place, model, variant, day, 2147483647, prompt_tokens, completion_tokens, cached_tokens, requests FROM mine
), firsts AS (
    SELECT model, variant, day, min((source_no, place)) AS first_at,
        arg_min(prompt_tokens, (source_no, place)) AS old_prompt,
        arg_min(completion_tokens, (source_no, place)) AS old_completion,
        arg_min(cached_tokens, (source_no, place)) AS old_cached, arg_min(requests, (source_no, place)) AS old_requests
    FROM before_ GROUP BY model, variant, day
), recorded AS (
    SELECT a.model, a.variant, a.day, a.prompt_tokens, a.completion_tokens, a.cached_tokens, a.requests
    FROM activity a JOIN run r USING (run_no)
    WHERE CAST(r.observed_at AS DATE) > a.day
    QUALIFY row_number() OVER (PARTITION BY a.model, a.variant, a.day ORDER BY a.run_no DESC) = 1
), paired AS (
    SELECT m.*, r.prompt_tokens AS read_prompt, r.completion_tokens AS read_completion, r.cached_tokens AS read_cached,
        r.requests AS read_requests, r.model IS NOT NULL AS has_record, f.* EXCLUDE (model, variant, day, first_at),
        f.first_at < (2147483647, m.place) AS is_later
    FROM mine m JOIN firsts f USING (model, variant, day)
    LEFT JOIN recorded r ON r.model = m.model AND r.variant = m.variant AND r.day = m.day
)
SELECT place, 'prompt tokens', prompt_tokens, read_prompt, CASE WHEN is_later THEN old_prompt END,
    0.01 * abs(prompt_tokens), has_record
FROM paired
UNION ALL
SELECT place, 'completion tokens', completion_tokens, read_completion, CASE WHEN is_later THEN old_completion END,
    0.01 * abs(completion_tokens), has_record
FROM paired
UNION ALL
SELECT place, 'cached tokens', cached_tokens, read_cached, CASE WHEN is_later THEN old_cached END,
    0.01 * abs(cached_tokens), has_record
FROM paired
UNION ALL
SELECT place, 'requests', requests, read_requests, CASE WHEN is_later THEN old_requests END,
    0.01 * abs(requests), has_record
FROM paired
