-- What the upstream says of an endpoint and was not kept: the longest prompt, when it was made and when it ends, and the
-- price of cache writes that are kept for an hour. Null in rows from before.

ALTER TABLE endpoint_history ADD COLUMN max_prompt_tokens BIGINT;       -- longest prompt, tokens
ALTER TABLE endpoint_history ADD COLUMN deprecation_date TIMESTAMP;     -- when the upstream stops offering it
ALTER TABLE endpoint_history ADD COLUMN created_at TIMESTAMP;           -- when the upstream began to offer it
ALTER TABLE price_history ADD COLUMN list_cache_write_1h DECIMAL(18, 9);
