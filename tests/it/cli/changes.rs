//! `hitrate changes`: the whole record, from the file and from the server that holds it.

use super::filled;
use crate::binary::{Server, command, finish, hitrate};
use crate::rig::{column, folder, tamper};
use hitrate::domain::change::{Change, ChangeKind, ChangedField};
use serde_json::Value;
use std::path::Path;

/// Doubles the input price of an endpoint with traffic in the newest run and removes its price of cache reads.
const DEARER: &str = "
    CREATE TEMP TABLE chosen AS
    SELECT p.endpoint_no, (SELECT max(observed_at) FROM run) AS newest
    FROM price_history p JOIN reading r USING (endpoint_no) JOIN run USING (run_no)
    WHERE p.valid_to IS NULL AND p.list_cache_read > 0 AND r.hit_rate > 0.1 AND r.tokens > 0
      AND run.observed_at = (SELECT max(observed_at) FROM run) AND p.valid_from < run.observed_at
    ORDER BY r.tokens DESC, p.endpoint_no LIMIT 1;
    UPDATE price_history SET valid_to = (SELECT newest FROM chosen)
    WHERE valid_to IS NULL AND endpoint_no = (SELECT endpoint_no FROM chosen);
    INSERT INTO price_history BY NAME
    SELECT p.* REPLACE (p.list_input * 2 AS list_input, NULL AS list_cache_read, c.newest AS valid_from, NULL AS valid_to)
    FROM price_history p JOIN chosen c ON p.endpoint_no = c.endpoint_no AND p.valid_to = c.newest";

fn changes(data: &Path, more: &[&str]) -> Vec<Change> {
    let ran = hitrate(data, &[&["changes", "--json"][..], more].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut document: Value = ran.json();
    assert_eq!(document.as_object().map(serde_json::Map::len), Some(1), "one list: {document}");
    serde_json::from_value(document["changes"].take()).expect("changes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_are_filtered_the_same_with_and_without_a_server() {
    let (data, _) = filled().await;
    let data = data.path();
    tamper(data, DEARER);
    let all = changes(data, &[]);
    let moved: Vec<&Change> = all
        .iter()
        .filter(|change| change.kind == ChangeKind::PriceChanged && change.at == all[0].at)
        .filter(|change| change.field == Some(ChangedField::ListCacheRead) && change.after.is_none())
        .collect();
    let [gone] = moved.as_slice() else { panic!("{all:?}") };
    assert!(gone.before.is_some() && gone.percent.is_none() && gone.model.is_some(), "{gone:?}");
    let (id, tag) = (gone.endpoint_id.expect("an endpoint").to_string(), gone.tag.clone().expect("a tag"));
    let of_endpoint =
        changes(data, &["--endpoint", &id, "--kind", "price_changed", "--from", &gone.at.to_rfc3339()]);
    let input = of_endpoint.iter().find(|one| one.field == Some(ChangedField::ListInput)).expect("there");
    assert!(input.percent.is_some_and(|percent| (percent - 100.0).abs() < 1e-9), "{input:?}");
    assert!(input.why.contains("between the readings of"), "{}", input.why);
    assert_eq!(input.session, gone.session, "one session for all prices of a run");
    assert!(input.session.is_some_and(|session| session.after > session.before), "{input:?}");

    let model_id = gone.model_id.clone().expect("a model");
    let slug = gone.model.as_ref().expect("a model").to_string();
    let provider = gone.provider.as_ref().expect("a provider").to_string();
    let day = gone.at.date_naive().to_string();
    let pattern = format!("{}/*", model_id.split('/').next().expect("an author"));
    let filters: [&[&str]; 10] = [
        &[],
        &["--model", &model_id],
        &["--model", &slug],
        &["--provider", &provider],
        &["--endpoint", tag.as_str()],
        &["--kind", "price_changed", "--kind", "tier_changed"],
        &["--since", &day],
        &["--to", &day, "--from", "2001-01-01"],
        &["--limit", "1"],
        &["--model", &pattern],
    ];
    let found: Vec<Vec<Change>> = filters.iter().map(|filter| changes(data, filter)).collect();
    assert!(found[1..6].iter().chain([&found[9]]).all(|list| list.contains(gone)), "each has it");
    assert!(
        found[5].iter().all(|one| matches!(one.kind, ChangeKind::PriceChanged | ChangeKind::TierChanged))
    );
    assert_eq!((&found[7], found[8].as_slice()), (&all, &all[..1]), "a day means its end");
    assert!(changes(data, &["--to", "2001-01-01"]).is_empty());
    let server = Server::of(data);
    for (filter, list) in filters.iter().zip(&found) {
        assert_eq!(&changes(data, filter), list, "{filter:?}");
    }
    let wrong = hitrate(data, &["changes", "--model", "no/model-at-all"]);
    assert!(wrong.code == 1 && wrong.err.contains("no model `no/model-at-all`"), "{wrong:?}");
    assert_eq!(server.terminate(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_gone_can_be_asked_for_and_an_unknown_name_is_refused_with_the_nearest() {
    let (data, model) = filled().await;
    let data = data.path();
    tamper(
        data,
        &format!(
            "UPDATE model_history SET valid_to = (SELECT max(observed_at) FROM run) WHERE model_id = '{model}'"
        ),
    );
    let gone = changes(data, &["--model", &model, "--kind", "model_gone"]);
    assert_eq!(gone.len(), 1, "{gone:?}");
    assert!(gone[0].why.starts_with("no longer listed in the run of"), "{}", gone[0].why);
    let near = &model[..model.len() - 1];
    for (arguments, part) in [
        (["--model", near], format!("no model `{near}`; similar names: ")),
        (["--provider", "nowhere-at-all"], "no provider `nowhere-at-all`".to_owned()),
        (["--endpoint", "nowhere/at-all"], "no endpoint `nowhere/at-all`".to_owned()),
        (["--endpoint", "00000000-0000-0000-0000-000000000000"], "no endpoint `00000000".to_owned()),
    ] {
        let wrong = hitrate(data, &[&["changes"], &arguments[..]].concat());
        assert!(wrong.code == 1 && wrong.err.contains(&part), "{wrong:?}");
    }
    let reversed = hitrate(data, &["changes", "--from", "2026-10-05", "--to", "2026-10-01"]);
    assert!(reversed.code == 1 && reversed.err.contains("is after --to"), "{reversed:?}");
    for usage in [["--kind", "moved"], ["--from", "yesterday"], ["--to", "soon"], ["--limit", "-1"]] {
        assert_eq!(hitrate(data, &[&["changes"], &usage[..]].concat()).code, 2, "{usage:?}");
    }
    let empty = folder();
    let none = hitrate(empty.path(), &["changes"]);
    assert!(none.code == 1 && none.err.contains("there is no store"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_stay_on_their_line() {
    let (data, _) = filled().await;
    let data = data.path();
    tamper(data, DEARER);
    tamper(
        data,
        "UPDATE endpoint_history SET tag = concat(tag, chr(9), 'x', chr(10), chr(27), '[2J', chr(8238))",
    );
    assert!(!column(data, "SELECT tag FROM endpoint_history").is_empty());
    let text = finish(
        command().env("COLUMNS", "60").arg("--data-dir").arg(data).args(["changes", "--table", "text"]),
    );
    assert!(text.code == 0 && text.out.lines().all(|line| line.chars().count() <= 60), "{}", text.out);
    assert!(!text.out.contains(['\u{1b}', '\u{202e}', '\t']), "{}", text.out);
    let tsv = hitrate(data, &["changes", "--limit", "0"]).out;
    assert_eq!(tsv.lines().count(), changes(data, &[]).len() + 1, "{tsv}");
    assert!(tsv.contains("\\tx\\n\\u{1b}[2J"), "{tsv}");
    let none = finish(command().arg("--data-dir").arg(data).args([
        "changes",
        "--to",
        "2001-01-01",
        "--table",
        "text",
    ]));
    assert!(none.code == 0 && none.out.contains("No change matches; the record begins on "), "{none:?}");
}
