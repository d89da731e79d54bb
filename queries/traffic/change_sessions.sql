-- Gives calls that are there the sessions that were decided with an import. Their previous calls are found again after it.
UPDATE call
SET session = changed.session, session_kind = changed.session_kind,
    before_prompt = NULL, before_at = NULL, is_frozen = NULL
FROM changed
WHERE call.rowid = changed.place
