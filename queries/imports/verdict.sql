-- A row is known if the record or an earlier import has all its values, and a disagreement if one of them differs by more
-- than its tolerance.
CREATE OR REPLACE TEMP TABLE verdict AS
SELECT place,
    bool_and(coalesce(recorded, imported) IS NOT NULL OR is_covered) AS is_known,
    string_agg(concat(field, ' ', value,
        CASE WHEN recorded IS NOT NULL THEN ', the record has ' ELSE ', an earlier imported row has ' END,
        coalesce(recorded, imported)), '; ' ORDER BY field)
        FILTER (WHERE abs(value - coalesce(recorded, imported)) > tolerance) AS differs
FROM compared WHERE value IS NOT NULL
GROUP BY place
