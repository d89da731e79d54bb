-- What the default mode of preferences recommended at the end of each UTC day, so that its changes can be counted. Like
-- tiers, a day is written once for each version of the method, as it was known at its last run.
CREATE TABLE recommendation (
    method_version INTEGER NOT NULL,
    day DATE NOT NULL,
    closing TIMESTAMP NOT NULL,
    model VARCHAR NOT NULL,
    variant VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    workload VARCHAR NOT NULL,
    endpoints VARCHAR NOT NULL,
    saving DOUBLE,
    saving_low DOUBLE,
    saving_high DOUBLE
);

COMMENT ON TABLE recommendation IS 'One row per closed day and model: the endpoints that a preference in the default mode named, without limits, under the default workload.';
COMMENT ON COLUMN recommendation.method_version IS 'version of the method that computed it';
COMMENT ON COLUMN recommendation.day IS 'a past UTC day with a run';
COMMENT ON COLUMN recommendation.closing IS 'time of its last run: the recommendation is the one that was published then';
COMMENT ON COLUMN recommendation.model IS 'canonical slug of the model';
COMMENT ON COLUMN recommendation.variant IS 'variant of the model';
COMMENT ON COLUMN recommendation.mode IS 'mode of the preference';
COMMENT ON COLUMN recommendation.workload IS 'workload that it ranks by';
COMMENT ON COLUMN recommendation.endpoints IS 'JSON list of the tags that it names, lowest expected cost first; `[]` if it was withheld';
COMMENT ON COLUMN recommendation.saving IS 'expected saving against the average of the traffic, as a fraction; null if it is unknown or the preference was withheld';
COMMENT ON COLUMN recommendation.saving_low IS 'lower end of its 90 % interval';
COMMENT ON COLUMN recommendation.saving_high IS 'upper end of its 90 % interval';
