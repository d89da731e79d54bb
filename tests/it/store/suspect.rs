//! A suspect run only stores its account; it can be stored again once it is accepted.

use super::{Check, Finding, Findings, id, ingest, reading, record, run};
use crate::rig::{at, dump, folder, store};
use hitrate::store::{Ingested, RunRecord, StoreError};

const FIRST: &str = "2026-08-07T10:57:00Z";
const SECOND: &str = "2026-08-07T11:57:00Z";

fn finding() -> Finding {
    Finding {
        field: "effective_pricing.cacheHitRate".into(),
        check: Check::Shifted,
        before: Some(0.4),
        after: Some(0.004),
        detail: "the median fell to a hundredth".into(),
    }
}

#[test]
fn a_suspect_run_changes_nothing_that_is_known() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run(FIRST, vec![reading(id(1), "heron")]));
    drop(opened);
    let account = ["run", "run_source", "quarantine", "drift", "finding"];
    let record_of = |dumped: Vec<(String, Vec<String>)>| {
        dumped.into_iter().filter(|(table, _)| !account.contains(&table.as_str())).collect::<Vec<_>>()
    };
    let before = record_of(dump(data.path()));
    let opened = store(data.path());
    let mut moved = run(SECOND, vec![reading(id(2), "crane")]);
    moved.model_usage.clear();
    let findings = Findings { open: vec![finding()], accepted: Vec::new() };
    let suspect = RunRecord { findings, ..record(&moved, "suspect") };
    assert_eq!(opened.ingest(&suspect, &moved).expect("kept"), Ingested::Stored);
    assert_eq!(opened.ingest(&suspect, &moved).expect("known"), Ingested::Known);
    assert_eq!(opened.newest_accepted().expect("readable"), Some(at(FIRST)));
    assert_eq!(opened.findings(&suspect.run_id).expect("readable").open, [finding()]);
    assert_eq!(
        opened.suspect_run(at(SECOND)).expect("readable").expect("suspect").run.run_id,
        suspect.run_id
    );
    assert!(opened.suspect_run(at(FIRST)).expect("readable").is_none(), "as it was known then");
    drop(opened);
    assert_eq!(record_of(dump(data.path())), before);

    let opened = store(data.path());
    let refused = opened.forget_from(at(FIRST)).expect_err("an accepted run is never forgotten");
    assert!(matches!(refused, StoreError::OutOfOrder { .. }), "{refused}");
    opened.forget_from(at(SECOND)).expect("forgotten");
    assert!(opened.run(&suspect.run_id).expect("readable").is_none());
    let findings = Findings { open: Vec::new(), accepted: vec![finding()] };
    let accepted = RunRecord { findings, ..record(&moved, "ok") };
    assert_eq!(opened.ingest(&accepted, &moved).expect("stored"), Ingested::Stored);
    assert_eq!(opened.newest_accepted().expect("readable"), Some(at(SECOND)));
    assert_eq!(opened.findings(&accepted.run_id).expect("readable").accepted, [finding()]);
    assert!(opened.suspect_run(at(SECOND)).expect("readable").is_none());
}
