-- The output of `export recommendations`: one row per closed day in [from, to] and model, as recorded by the method of
-- this version. Parameters: from, to (dates), method version.
SELECT r.day, r.closing AS closed_at, r.model, r.variant, r.mode, r.workload,
    nullif(array_to_string(CAST(CAST(r.endpoints AS JSON) AS VARCHAR[]), ' '), '') AS endpoints,
    r.saving, r.saving_low, r.saving_high
FROM recommendation r
WHERE r.day BETWEEN CAST($1 AS DATE) AND CAST($2 AS DATE) AND r.method_version = CAST($3 AS INTEGER)
ORDER BY r.day, r.model, r.variant
