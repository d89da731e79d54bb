-- Whether session ids name requests is decided over the calls of a source, again with every import. So the id of the
-- log is kept beside the session that follows from it.
ALTER TABLE call ADD COLUMN given_session VARCHAR; -- The session as the log names it, whatever the ids name.

UPDATE call SET given_session = session WHERE session_kind IN ('given', 'given_per_request') AND aggregated IS NULL;

-- The times whose calls were deleted from a file of which others remain: an import of the same log does not bring them
-- back.
CREATE TABLE deletion (
    file_id  BIGINT    NOT NULL, -- The file.
    first_at TIMESTAMP NOT NULL, -- Time of the first call that was deleted.
    last_at  TIMESTAMP NOT NULL  -- Time of the last one.
);
