-- The calls of a question, with those of the same names, day and outcome counted together. Groups, money, days, sources
-- and sums are computed from these rows, so all calls are read once. Token sums are null if no call states the count.
CREATE OR REPLACE TEMP TABLE tally AS
SELECT t.*, f.source, f.format, f.states_failures
FROM (
    SELECT
        file_id,
        day,
        model,
        model_is_known,
        provider,
        provider_key,
        provider_tag,
        endpoint_id,
        platform,
        key,
        app,
        paid_kind,
        status,
        http,
        finish,
        is_failure,
        is_empty,
        is_reasoning_only,
        is_replay,
        aggregated IS NOT NULL AS is_sum,
        count(*) AS calls,
        min("at") AS first_at,
        max("at") AS last_at,
        sum(prompt) AS prompt,
        count(read) AS with_read,
        sum(read) AS read,
        sum(prompt) FILTER (read IS NOT NULL) AS prompt_with_read,
        sum(cache_saving) AS cache_saving,
        sum(read) FILTER (cache_saving IS NULL) AS read_without_saving,
        sum(written) AS written,
        sum(output) AS output,
        sum(output) FILTER (paid IS NOT NULL) AS paid_output,
        sum(reasoning) AS reasoning,
        count(paid) AS priced,
        sum(paid) AS paid,
        count(*) FILTER (prompt > 0) AS prompts,
        sum(ln(greatest(prompt, 1))) FILTER (prompt > 0) AS prompt_ln,
        count(*) FILTER (output > 0) AS outputs,
        sum(ln(greatest(output, 1))) FILTER (output > 0) AS output_ln,
        sum(aggregated) AS requests,
        bool_and(aggregated > 0) AS requests_are_known
    FROM scope
    WHERE wanted
    GROUP BY file_id, day, model, model_is_known, provider, provider_key, provider_tag, endpoint_id, platform, key, app,
        paid_kind, status, http, finish, is_failure, is_empty, is_reasoning_only, is_replay, is_sum
) AS t
JOIN log_file f USING (file_id)
