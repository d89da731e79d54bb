-- The time that routers and gateways add, by platform, with the sums for an interval clustered by session. Columns of
-- `router_ms` begin with `r_`, those of `overhead_ms` with `o_`.
WITH measured AS (
    SELECT
        CAST(hash(platform) >> 1 AS BIGINT) AS p,
        platform,
        cluster,
        coalesce(cluster, hash(file_id, line)) AS one,
        router_ms,
        overhead_ms,
        latency_ms
    FROM scope
    WHERE wanted AND aggregated IS NULL AND NOT is_replay AND coalesce(router_ms, overhead_ms) IS NOT NULL
),
clusters AS (
    SELECT
        p,
        count(router_ms) FILTER (cluster IS NULL) AS r_alone,
        count(overhead_ms) FILTER (cluster IS NULL) AS o_alone,
        count(router_ms) AS r,
        sum(router_ms) AS r_added,
        count(overhead_ms) AS o,
        sum(overhead_ms) AS o_added
    FROM measured
    GROUP BY p, one
),
sums AS (
    SELECT
        p,
        CAST(sum(r_alone) AS BIGINT) AS r_alone,
        CAST(sum(o_alone) AS BIGINT) AS o_alone,
        CAST(sum(r) AS BIGINT) AS r_calls,
        count(*) FILTER (r > 0) AS r_clusters,
        sum(r_added) AS r_added,
        sum(r_added * r_added) AS r_added_added,
        sum(r_added * r) AS r_added_calls,
        sum(CAST(r AS DOUBLE) * r) AS r_calls_calls,
        CAST(sum(o) AS BIGINT) AS o_calls,
        count(*) FILTER (o > 0) AS o_clusters,
        sum(o_added) AS o_added,
        sum(o_added * o_added) AS o_added_added,
        sum(o_added * o) AS o_added_calls,
        sum(CAST(o AS DOUBLE) * o) AS o_calls_calls
    FROM clusters
    GROUP BY p
),
percentiles AS (
    SELECT
        p,
        any_value(platform) AS platform,
        quantile_disc(router_ms, 0.5) AS r_p50,
        quantile_disc(router_ms, 0.95) AS r_p95,
        sum(router_ms) FILTER (latency_ms >= router_ms) / sum(latency_ms) FILTER (latency_ms >= router_ms) AS r_share,
        quantile_disc(overhead_ms, 0.5) AS o_p50,
        quantile_disc(overhead_ms, 0.95) AS o_p95,
        sum(overhead_ms) FILTER (latency_ms >= overhead_ms) / sum(latency_ms) FILTER (latency_ms >= overhead_ms)
            AS o_share
    FROM measured
    GROUP BY p
)
SELECT *
FROM sums
JOIN percentiles USING (p)
ORDER BY platform
