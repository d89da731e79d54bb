-- Gives calls that are there the sessions that were decided with an import.
UPDATE call
SET session = changed.session, session_kind = changed.session_kind
FROM changed
WHERE call.rowid = changed.place;
DROP TABLE changed
