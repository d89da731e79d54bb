-- Functions of a question whose result or time can be huge for a small argument: one call is computed at once, so neither
-- the time limit nor the memory limit could stop it. These macros replace the functions of the same names on the
-- connection of the question.
CREATE OR REPLACE TEMP MACRO repeat(s, n) AS
    CASE WHEN n > 100000 THEN error('repeat: at most 100,000 times') ELSE system.main.repeat(s, n) END;
CREATE OR REPLACE TEMP MACRO lpad(s, n, p) AS
    CASE WHEN n > 100000 THEN error('lpad: at most 100,000 characters') ELSE system.main.lpad(s, n, p) END;
CREATE OR REPLACE TEMP MACRO rpad(s, n, p) AS
    CASE WHEN n > 100000 THEN error('rpad: at most 100,000 characters') ELSE system.main.rpad(s, n, p) END;
CREATE OR REPLACE TEMP MACRO bar(x, a, b) AS system.main.bar(x, a, b),
    (x, a, b, w) AS CASE WHEN w > 1000 THEN error('bar: at most 1,000 characters') ELSE system.main.bar(x, a, b, w) END;
CREATE OR REPLACE TEMP MACRO list_resize(l, n) AS
    CASE WHEN n > 1000000 THEN error('list_resize: at most 1,000,000 values') ELSE system.main.list_resize(l, n) END,
    (l, n, v) AS
    CASE WHEN n > 1000000 THEN error('list_resize: at most 1,000,000 values') ELSE system.main.list_resize(l, n, v) END;
CREATE OR REPLACE TEMP MACRO array_resize(l, n) AS list_resize(l, n), (l, n, v) AS list_resize(l, n, v);
CREATE OR REPLACE TEMP MACRO range(b) AS
    CASE WHEN b > 1000000 THEN error('range: at most 1,000,000 values in a list; use FROM range(...)')
    ELSE system.main.range(b) END,
    (a, b) AS
    CASE WHEN b - a > 1000000 THEN error('range: at most 1,000,000 values in a list; use FROM range(...)')
    ELSE system.main.range(a, b) END,
    -- Times have no limit here: their text is no number.
    (a, b, s) AS
    CASE WHEN abs(TRY_CAST(CAST(b AS VARCHAR) AS DOUBLE) - TRY_CAST(CAST(a AS VARCHAR) AS DOUBLE))
            > 1000000 * abs(TRY_CAST(CAST(s AS VARCHAR) AS DOUBLE))
        THEN error('range: at most 1,000,000 values in a list; use FROM range(...)')
    ELSE system.main.range(a, b, s) END;
CREATE OR REPLACE TEMP MACRO generate_series(b) AS
    CASE WHEN b > 1000000 THEN error('generate_series: at most 1,000,000 values in a list; use FROM generate_series(...)')
    ELSE system.main.generate_series(b) END,
    (a, b) AS
    CASE WHEN b - a > 1000000
        THEN error('generate_series: at most 1,000,000 values in a list; use FROM generate_series(...)')
    ELSE system.main.generate_series(a, b) END,
    (a, b, s) AS
    CASE WHEN abs(TRY_CAST(CAST(b AS VARCHAR) AS DOUBLE) - TRY_CAST(CAST(a AS VARCHAR) AS DOUBLE))
            > 1000000 * abs(TRY_CAST(CAST(s AS VARCHAR) AS DOUBLE))
        THEN error('generate_series: at most 1,000,000 values in a list; use FROM generate_series(...)')
    ELSE system.main.generate_series(a, b, s) END;
-- Their time is the product of the lengths.
CREATE OR REPLACE TEMP MACRO levenshtein(a, b) AS
    CASE WHEN greatest(length(a), length(b)) > 1000 THEN error('levenshtein: at most 1,000 characters')
    ELSE system.main.levenshtein(a, b) END;
CREATE OR REPLACE TEMP MACRO editdist3(a, b) AS levenshtein(a, b);
CREATE OR REPLACE TEMP MACRO damerau_levenshtein(a, b) AS
    CASE WHEN greatest(length(a), length(b)) > 1000 THEN error('damerau_levenshtein: at most 1,000 characters')
    ELSE system.main.damerau_levenshtein(a, b) END;
