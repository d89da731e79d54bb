-- One row per model and closed UTC day: the endpoints that the default mode of preferences named at the end of the day.
-- time: day
-- day | | UTC day
-- closed_at | UTC | time of the last run of the day
-- model | | canonical slug of the model
-- variant | | variant of the model
-- mode | | mode of the preference
-- workload | | workload that it ranks by
-- endpoints | | tags separated by spaces, lowest expected cost first; null if the preference was withheld
-- saving | fraction | expected saving against the average of the traffic
-- saving_low | fraction | lower end of its 90 % interval
-- saving_high | fraction | upper end of its 90 % interval
-- method_version | | version of the method that computed it: the newest
SELECT r.day, r.closing AS closed_at, r.model, r.variant, r.mode, r.workload,
    nullif(array_to_string(CAST(CAST(r.endpoints AS JSON) AS VARCHAR[]), ' '), '') AS endpoints,
    r.saving, r.saving_low, r.saving_high, r.method_version
FROM recommendation r
WHERE r.day >= CAST($1 AS DATE) AND r.day < CAST($2 AS DATE)
  AND r.method_version = (SELECT max(method_version) FROM recommendation)
ORDER BY r.day, r.model, r.variant, r.workload, r.mode
