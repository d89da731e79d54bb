-- Each uptime beside that of an earlier import for the same time.
INSERT INTO compared
WITH mine AS (
    SELECT s.*, w.who FROM stage_imported_uptime s JOIN imported_who w USING (imported_no)
), before_ AS (
    SELECT CAST(-1 AS BIGINT) AS place, w.who, u.start, u.minutes, u.source_no, u.uptime
    FROM imported_uptime u JOIN imported_who w USING (imported_no)
    UNION ALL
    SELECT place, who, start, minutes, 2147483647, uptime FROM mine
), firsts AS (
    SELECT who, start, minutes, min((source_no, place)) AS first_at, arg_min(uptime, (source_no, place)) AS old_uptime
    FROM before_ GROUP BY who, start, minutes
)
SELECT m.place, 'uptime', m.uptime, NULL,
    CASE WHEN f.first_at < (2147483647, m.place) THEN f.old_uptime END, 0.005, false
FROM mine m JOIN firsts f USING (who, start, minutes)
