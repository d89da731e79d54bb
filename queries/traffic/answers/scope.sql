-- The calls of a question with the labels by which answers group them. The other queries of this folder read it as
-- `scope`. Parameters: $1 from, $2 to, $3 model, $4 provider, $5 source (null does not limit), $6 what to group by.
-- Rows of up to seven days before $1, and of other models and providers, are kept with `wanted` false: the previous
-- call of a session decides what a call could have read.
SELECT
    c.file_id,
    c.line,
    c."at",
    CAST(c."at" AS DATE) AS day,
    c.session,
    c.session_kind,
    c.parent_session,
    c.agent,
    CASE WHEN c.session_kind IN ('none', 'given_per_request') THEN NULL ELSE hash(c.session) END AS cluster,
    CASE
        WHEN c.session_kind IN ('none', 'given_per_request') THEN NULL
        WHEN c.agent IS NULL THEN hash(c.session)
        ELSE hash(c.session, c.agent)
    END AS thread,
    f.source,
    f.states_failures,
    c.platform,
    c.key,
    c.app,
    coalesce(c.model_key, c.model_served, c.model_sent) AS model,
    c.model_key IS NOT NULL AS model_is_known,
    coalesce(c.model_served, c.model_sent) AS model_written,
    coalesce(c.provider_tag, c.provider_key, c.provider_name) AS provider,
    coalesce(c.provider_key, c.provider_name) AS host,
    c.provider_key,
    c.provider_tag,
    c.endpoint_id,
    CASE WHEN $6 IN ('endpoint', 'model') THEN coalesce(c.model_key, c.model_served, c.model_sent) END AS g_model,
    CASE WHEN $6 IN ('endpoint', 'provider') THEN coalesce(c.provider_tag, c.provider_key, c.provider_name) END AS g_provider,
    CASE $6
        WHEN 'platform' THEN c.platform
        WHEN 'key' THEN c.key
        WHEN 'app' THEN c.app
        WHEN 'source' THEN f.source
        WHEN 'month' THEN strftime(c."at", '%Y-%m')
        WHEN 'day' THEN strftime(c."at", '%Y-%m-%d')
    END AS g_value,
    -- The group as a number that fits into a BIGINT: sorting by it is faster than by three texts.
    CAST(hash(
        CASE WHEN $6 IN ('endpoint', 'model') THEN coalesce(c.model_key, c.model_served, c.model_sent) END,
        CASE WHEN $6 IN ('endpoint', 'provider') THEN coalesce(c.provider_tag, c.provider_key, c.provider_name) END,
        CASE $6
            WHEN 'platform' THEN c.platform
            WHEN 'key' THEN c.key
            WHEN 'app' THEN c.app
            WHEN 'source' THEN f.source
            WHEN 'month' THEN strftime(c."at", '%Y-%m')
            WHEN 'day' THEN strftime(c."at", '%Y-%m-%d')
        END) >> 1 AS BIGINT) AS g,
    c.read,
    CASE WHEN coalesce(c.write, c.write_5m, c.write_1h) IS NOT NULL
        THEN coalesce(c.write, 0) + coalesce(c.write_5m, 0) + coalesce(c.write_1h, 0) END AS written,
    CASE WHEN coalesce(c.uncached, c.read, c.write, c.write_5m, c.write_1h) IS NOT NULL
        THEN coalesce(c.uncached, 0) + coalesce(c.read, 0) + coalesce(c.write, 0) + coalesce(c.write_5m, 0)
            + coalesce(c.write_1h, 0) END AS prompt,
    CASE WHEN coalesce(c.output_text, c.reasoning) IS NOT NULL
        THEN coalesce(c.output_text, 0) + coalesce(c.reasoning, 0) END AS output,
    c.reasoning,
    c.paid,
    c.paid_kind,
    c.cache_saving,
    c.latency_ms,
    CASE WHEN coalesce(c.streamed, true) THEN c.ttft_ms END AS ttft_ms,
    c.router_ms,
    c.overhead_ms,
    c.status,
    c.http,
    lower(c.finish) AS finish,
    c.status NOT IN ('ok', 'unknown') AS is_failure,
    coalesce(c.output_text, c.reasoning) IS NOT NULL AND coalesce(c.output_text, 0) + coalesce(c.reasoning, 0) = 0
        AND coalesce(c.tool_calls, 0) = 0 AS is_empty,
    coalesce(c.output_text = 0 AND c.reasoning > 0 AND coalesce(c.tool_calls, 0) = 0, false) AS is_reasoning_only,
    c.gateway_cache_hit AS is_replay,
    c.aggregated,
    -- The previous call of the session and agent, if it is not more than seven days before $1.
    CASE WHEN $1 IS NULL OR c.before_at >= CAST($1 AS TIMESTAMP) - INTERVAL 7 DAY THEN c.before_prompt END AS before_prompt,
    c.is_frozen,
    ($1 IS NULL OR c."at" >= CAST($1 AS TIMESTAMP))
        AND ($2 IS NULL OR c."at" < CAST($2 AS TIMESTAMP))
        AND ($3 IS NULL OR $3 IN (c.model_key, c.model_served, c.model_sent))
        AND ($4 IS NULL OR lower($4) IN (lower(c.provider_name), lower(c.provider_key), lower(c.provider_tag)))
        AND ($5 IS NULL OR f.source = $5) AS wanted
FROM call c
JOIN log_file f ON f.file_id = c.file_id
WHERE $1 IS NULL OR c."at" >= CAST($1 AS TIMESTAMP) - INTERVAL 7 DAY
