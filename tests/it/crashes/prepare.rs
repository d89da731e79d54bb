//! The data folders before each verb, and those of uninterrupted runs after it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Duration as Span;

use super::lab::{Lab, Verb, times};
use super::process::finish;
use super::state::Record;
use crate::binary::command;
use crate::rig::{copy, rows, tamper};
use crate::upstream::{Fault, day};

/// A row of imported data of an endpoint that the record does not know.
const IMPORTED: &str = "day,endpoint_id,model,variant,provider,provider_name,tag,hit_rate,basis,tokens,coverage,effective_input,\
effective_output,list_input,list_output,list_cache_read,list_cache_write,uptime,last_reading_at\n\
2026-07-01,00000000-0000-0000-0000-000000000001,wren/lark-2,standard,heron,Heron,heron,0.5,observed,100,0.7,0.11,1,0.2,1,0.02,,0.99,2026-07-01T16:46:00Z\n";

/// Files that others put into a published folder.
const FOREIGN: [&str; 2] = ["CNAME", ".git/HEAD"];

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    std::fs::write(path, text).expect("written");
}

impl Lab {
    /// Makes the folders after each number of runs, by uninterrupted collections.
    pub fn prepare_runs(&mut self) {
        std::fs::create_dir_all(self.stage(0)).expect("created");
        for runs in 0..times().len() {
            copy(&self.stage(runs), &self.stage(runs + 1));
            self.succeeds(Verb::Collect(runs), &self.stage(runs + 1));
        }
        let stages = (1..=times().len()).map(|runs| self.stage(runs));
        self.records = Arc::new(stages.map(|state| (state.clone(), Record::of(&state))).collect());
    }

    /// Makes the states before and after all other verbs, too, and returns how long each verb takes.
    pub fn prepare(&mut self) -> BTreeMap<Verb, Duration> {
        self.prepare_runs();
        self.prepare_retry();
        self.prepare_recover();
        let mut usual = BTreeMap::new();
        usual.insert(Verb::Migrate, self.prepare_migrate());
        usual.insert(Verb::Publish, self.prepare_publish());
        usual.insert(Verb::Rollup, self.prepare_rollup());
        copy(&self.stage(4), &self.state("import"));
        write(&self.state("import").join("days.csv"), IMPORTED);
        copy(&self.state("import"), &self.state("import-after"));
        usual.insert(Verb::Import, self.succeeds(Verb::Import, &self.state("import-after")));
        write(&self.state("serve").join("hitrate.toml"), &self.settings(""));
        let rules = "[[alerts.rules]]\nname = \"rate\"\nhit_rate_drop = 10\n";
        write(&self.state("alerts").join("hitrate.toml"), &self.settings(rules));
        for verb in [Verb::Collect(0), Verb::Collect(2), Verb::Recover, Verb::Serve] {
            usual.insert(verb, self.succeeds(verb, self.folder(verb).path()));
        }
        for (verb, like) in [
            (Verb::Collect(1), Verb::Collect(2)),
            (Verb::Collect(3), Verb::Collect(2)),
            (Verb::Retry, Verb::Collect(2)),
            (Verb::Alerts, Verb::Collect(0)),
            (Verb::Replay, Verb::Recover),
            (Verb::Backup, Verb::Collect(0)),
            (Verb::Restore, Verb::Collect(0)),
        ] {
            usual.insert(verb, usual[&like]);
        }
        let after = ["migrate-after", "rollup-after", "import-after"].map(|name| self.state(name));
        let stages = (1..=times().len()).map(|runs| self.stage(runs));
        let all = stages.chain(after).map(|state| (state.clone(), Record::of(&state)));
        self.records = Arc::new(all.collect());
        usual
    }

    fn settings(&self, more: &str) -> String {
        format!(
            "[upstream]\nbase_url = \"{}\"\n[fetch]\nrate_per_second = 0.0\n[schedule]\ncron = \"* * * * *\"\n\
             jitter_seconds = 0\n[backfill]\nenabled = false\n{more}",
            self.present.url()
        )
    }

    fn prepare_retry(&self) {
        let before = self.state("retry");
        copy(&self.stage(2), &before);
        // The upstream refuses in the middle: some bodies of the failed run are in the archive.
        self.fixed.set_faults(&[("stats/effective-pricing", Fault::Status(403))]);
        self.fixed.set_now(times()[2]);
        let failed = finish(&mut self.collect_at(&before, times()[2]));
        self.fixed.set_faults(&[]);
        assert_eq!(failed.code, Some(4), "the sweep is cut short: {failed:?}");
    }

    fn prepare_recover(&self) {
        let before = self.state("recover");
        copy(&self.stage(1), &before);
        copy(&self.stage(4).join("archive"), &before.join("archive"));
    }

    fn prepare_migrate(&self) -> Duration {
        let (before, after) = (self.state("migrate"), self.state("migrate-after"));
        copy(&self.stage(1), &before);
        tamper(
            &before,
            "ALTER TABLE endpoint_history DROP COLUMN max_prompt_tokens;
             ALTER TABLE endpoint_history DROP COLUMN deprecation_date;
             ALTER TABLE endpoint_history DROP COLUMN created_at;
             ALTER TABLE price_history DROP COLUMN list_cache_write_1h;
             ALTER TABLE run DROP COLUMN upstream_name;
             ALTER TABLE endpoint DROP COLUMN upstream_name;
             DELETE FROM schema_migration WHERE version IN (5, 7)",
        );
        copy(&before, &after);
        self.succeeds(Verb::Migrate, &after)
    }

    fn prepare_publish(&self) -> Duration {
        let (before, after) = (self.state("publish"), self.state("publish-after"));
        copy(&self.stage(4), &before);
        let first = self.state("first-site");
        copy(&self.stage(3), &first);
        self.succeeds(Verb::Publish, &first);
        copy(&first.join("site"), &before.join("site"));
        for name in FOREIGN {
            write(&before.join("site").join(name), name);
        }
        copy(&before, &after);
        self.succeeds(Verb::Publish, &after)
    }

    /// A record with readings that are old enough, and with free space in the database.
    fn prepare_rollup(&self) -> Duration {
        let (before, after) = (self.state("rollup"), self.state("rollup-after"));
        let early = [day(1), day(1) + Span::hours(1), day(1) + Span::hours(2), day(2), day(125)];
        for time in early {
            self.fixed.set_now(time);
            let ran = finish(&mut self.collect_at(&before, time));
            if ran.code == Some(7) {
                // After months, much has changed at once.
                let id = time.format("%Y%m%dT%H%M%SZ").to_string();
                let mut accept = command();
                accept.arg("--data-dir").arg(&before).args(["accept", &id, "--all"]);
                assert_eq!(finish(&mut accept).code, Some(0), "accepted");
            } else {
                assert!(matches!(ran.code, Some(0 | 5)), "{time}: {ran:?}");
            }
        }
        tamper(
            &before,
            "CREATE TABLE filler AS SELECT random() AS value FROM range(3000000); CHECKPOINT;
             CREATE TABLE behind AS SELECT random() AS value FROM range(300000); CHECKPOINT;
             DROP TABLE filler; CHECKPOINT",
        );
        write(&before.join("hitrate.toml"), "[retention]\nhourly_days = 120\n");
        copy(&before, &after);
        let lasted = self.succeeds(Verb::Rollup, &after);
        assert!(!rows(&after, "SELECT * FROM rollup").is_empty(), "days are rolled up");
        lasted
    }
}
