-- One row per run, also if it failed or is suspect.
-- time: observed_at
-- run_id | | id of the run: its time, compact
-- observed_at | UTC | when the run queried the upstream
-- status | | `ok`, `partial`, `suspect` or `failed`; readings of the last two are not in the record
-- window_kind | | what the usage summaries cover: `day_to_date`, `hour`, `day` or `unknown`
-- upstream_name | | name of the upstream
-- simulated | | whether the upstream was the simulator
-- requests | requests | requests sent, retries included
-- documents | bodies | bodies archived
-- endpoints | endpoints | endpoints seen
-- readings | endpoints | endpoints with usage
-- quarantined | rows | quarantined rows
-- duration_ms | ms | time spent fetching
SELECT run_id, observed_at, status, window_kind, upstream_name, simulated,
    requests, documents, endpoints, readings, quarantined, duration_ms
FROM run
WHERE observed_at >= CAST($1 AS TIMESTAMP) AND observed_at < CAST($2 AS TIMESTAMP)
ORDER BY observed_at, run_id
