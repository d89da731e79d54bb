-- Names whose target changes, such as ~author/family-latest.
CREATE TABLE alias_history (
    alias VARCHAR NOT NULL,
    model_id VARCHAR NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP
);

COMMENT ON TABLE alias_history IS 'Aliases of models as the upstream listed them: each has one target at a time.';
COMMENT ON COLUMN alias_history.alias IS 'the alias, such as `~author/family-latest`';
COMMENT ON COLUMN alias_history.model_id IS 'its target: the public name of a model';
COMMENT ON COLUMN alias_history.valid_from IS 'first run that saw this state';
COMMENT ON COLUMN alias_history.valid_to IS 'first run that no longer saw it; null: still valid';
