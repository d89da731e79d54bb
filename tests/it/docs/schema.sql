-- One text per table or view of the store: its heading, its comment, and a row for each column. DuckDB does not know
-- which columns of a view may be null.
SELECT concat(
    '### `', described.name, '`', chr(10), chr(10), described.comment, chr(10), chr(10),
    '| column | type | meaning |', chr(10), '|---|---|---|', chr(10),
    string_agg(concat(
        '| `', c.column_name, '` | ', c.data_type,
        CASE WHEN c.is_nullable AND NOT described.is_view THEN ', may be null' ELSE '' END,
        ' | ', replace(c.comment, '|', '\|'), ' |', chr(10)), '' ORDER BY c.column_index))
FROM (
    SELECT table_name AS name, comment, FALSE AS is_view FROM duckdb_tables() WHERE NOT internal
    UNION ALL
    SELECT view_name, comment, TRUE FROM duckdb_views() WHERE NOT internal
) described
JOIN duckdb_columns() c ON c.table_name = described.name
WHERE NOT c.internal
GROUP BY described.name, described.comment
