-- Whether prompts are moderated. Null in rows from before.
ALTER TABLE endpoint_history ADD COLUMN moderated BOOLEAN;
COMMENT ON COLUMN endpoint_history.moderated IS 'whether prompts are moderated; null: not published';
