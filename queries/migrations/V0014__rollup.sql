-- Which days are rolled up: of their day-to-date readings, only those that lists as of the end of a day need are kept.
CREATE TABLE rollup (
    first_day DATE NOT NULL,
    last_day DATE NOT NULL,
    newest_run TIMESTAMP NOT NULL,
    removed BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    method VARCHAR NOT NULL
);

COMMENT ON TABLE rollup IS 'One row per step of rolling hourly readings up to days. All days up to the newest `last_day` are rolled up; no row: all readings are kept.';
COMMENT ON COLUMN rollup.first_day IS 'first UTC day of the step';
COMMENT ON COLUMN rollup.last_day IS 'last UTC day of the step';
COMMENT ON COLUMN rollup.newest_run IS 'the newest run at the time of the step: the age of days counts from it';
COMMENT ON COLUMN rollup.removed IS 'readings that were removed';
COMMENT ON COLUMN rollup.kept IS 'readings of these days that were kept';
COMMENT ON COLUMN rollup.method IS 'which readings were kept: `day-end-1`, those that lists as of the end of a day need';

CREATE TABLE request_size_day (
    endpoint_no INTEGER NOT NULL,
    day DATE NOT NULL,
    tokens BIGINT NOT NULL,
    request_seconds BIGINT NOT NULL,
    counts INTEGER NOT NULL
);

COMMENT ON TABLE request_size_day IS 'Tokens and requests over the hourly rates of a rolled-up day, by endpoint: what the size of requests was computed from.';
COMMENT ON COLUMN request_size_day.endpoint_no IS 'key of the endpoint';
COMMENT ON COLUMN request_size_day.day IS 'UTC day of the readings';
COMMENT ON COLUMN request_size_day.tokens IS 'tokens of the rates with a count of requests';
COMMENT ON COLUMN request_size_day.request_seconds IS 'requests of the half hours before the readings, each times the seconds of its rate';
COMMENT ON COLUMN request_size_day.counts IS 'number of these rates';
