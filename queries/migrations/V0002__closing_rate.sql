-- Hit rates of whole past UTC days as the comparison series tells them, kept apart from readings.

CREATE TABLE closing_rate (
    endpoint_no INTEGER NOT NULL,
    day DATE NOT NULL,                  -- a UTC day that was over when the run looked
    hit_rate DOUBLE NOT NULL,           -- 0..1, told to a hundredth of a percent
    run_no INTEGER NOT NULL             -- the run that said so first; the newest counts
);

-- What came of asking for that series: answered, not_offered, failed; null: not asked.
ALTER TABLE run ADD COLUMN comparison VARCHAR;
