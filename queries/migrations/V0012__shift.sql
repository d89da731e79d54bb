-- Lasting shifts of measured numbers. Like tiers, a day is examined once for each version of the method, when the first
-- run of a later day is stored, so that a replay gives the same rows and a reported shift never changes.
CREATE TABLE shift_day (
    method_version INTEGER NOT NULL,
    day DATE NOT NULL,
    closing TIMESTAMP NOT NULL,
    examined INTEGER NOT NULL
);

CREATE TABLE shift (
    method_version INTEGER NOT NULL,
    day DATE NOT NULL,
    endpoint_no INTEGER NOT NULL,
    field VARCHAR NOT NULL,
    shift_from TIMESTAMP NOT NULL,
    shift_at TIMESTAMP NOT NULL,
    level_before DOUBLE NOT NULL,
    level_after DOUBLE NOT NULL,
    hours_before INTEGER NOT NULL,
    hours_after INTEGER NOT NULL,
    readings_before INTEGER NOT NULL,
    readings_after INTEGER NOT NULL,
    scatter DOUBLE NOT NULL,
    p_value DOUBLE NOT NULL,
    q_value DOUBLE NOT NULL
);

COMMENT ON TABLE shift_day IS 'One row per day that was examined for shifts, for each version of the method.';
COMMENT ON COLUMN shift_day.method_version IS 'version of the change-point method';
COMMENT ON COLUMN shift_day.day IS 'a past UTC day with a run';
COMMENT ON COLUMN shift_day.closing IS 'time of its last run: nothing later was used';
COMMENT ON COLUMN shift_day.examined IS 'number of series that were examined';
COMMENT ON TABLE shift IS 'One row per lasting shift of a measured number of an endpoint.';
COMMENT ON COLUMN shift.method_version IS 'version of the change-point method that found it';
COMMENT ON COLUMN shift.day IS 'the UTC day at whose end it was found';
COMMENT ON COLUMN shift.endpoint_no IS 'endpoint';
COMMENT ON COLUMN shift.field IS 'what shifted: `hit_rate`, `effective_input`, `throughput`, `latency_ms` or `uptime`';
COMMENT ON COLUMN shift.shift_from IS 'start of the first period after the shift';
COMMENT ON COLUMN shift.shift_at IS 'time of the first reading after the shift';
COMMENT ON COLUMN shift.level_before IS 'level before, in the unit of the field';
COMMENT ON COLUMN shift.level_after IS 'level after, in the unit of the field';
COMMENT ON COLUMN shift.hours_before IS 'hours that were compared before the shift';
COMMENT ON COLUMN shift.hours_after IS 'hours that were compared after it';
COMMENT ON COLUMN shift.readings_before IS 'number of readings before the shift';
COMMENT ON COLUMN shift.readings_after IS 'number of readings after it';
COMMENT ON COLUMN shift.scatter IS 'scatter of the periods around their level, as a standard deviation in the unit of the field';
COMMENT ON COLUMN shift.p_value IS 'probability of such a shift by chance in this series';
COMMENT ON COLUMN shift.q_value IS 'the same after the correction for the number of series';
