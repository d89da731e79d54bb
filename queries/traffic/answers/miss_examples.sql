-- The most expensive misses, by the price of their unread tokens, then by their number.
SELECT j.g, s.session, j."at" AS time, j.cause, j.pause, j.prompt, j.read, j.unread
FROM (
    SELECT *
    FROM judged
    WHERE is_miss AND unread > 0
    ORDER BY unread * coalesce(price, 0) DESC, unread DESC, "at", line
    LIMIT 20
) AS j
JOIN (SELECT thread, any_value(session) AS session FROM scope WHERE thread IS NOT NULL GROUP BY thread) AS s
    USING (thread)
ORDER BY j.unread * coalesce(j.price, 0) DESC, j.unread DESC, j."at", j.line
