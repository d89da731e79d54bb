-- The upstream of a run and of an endpoint, by its name. Rows of older versions are all of the one upstream they knew.
ALTER TABLE run ADD COLUMN upstream_name VARCHAR DEFAULT 'openrouter';
ALTER TABLE endpoint ADD COLUMN upstream_name VARCHAR DEFAULT 'openrouter';
