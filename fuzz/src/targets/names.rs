//! Names that the upstream sends, in everything that is written from them.

use super::support::{bounded, choice, wait};
use crate::sample;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use hitrate::domain::change::{Change, ChangeKind};
use hitrate::domain::ids::Tag;
use hitrate::preferences::targets::TARGETS;
use hitrate::preferences::{Mode, Preference, preference};
use hitrate::serve;
use hitrate::snapshot::Snapshot;
use hitrate::static_site;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

/// Markup of a page whose addresses become relative: no markup is added, however often it is done, and texts without addresses
/// stay.
pub fn markup(input: &[u8]) {
    let (file, rest) = choice(input);
    let file = ["index.html", "models/index.html", "models/a/b~3afree/index.html"][file % 3];
    let text = String::from_utf8_lossy(rest);
    let pages = ["/", "/models", "/models/a/b:free", "/explore", "/?lens=cache"];
    let once = static_site::relative(file, &text, &pages);
    bounded("rewritten markup", once.len(), text.len(), 64);
    // A slash may also be a character reference.
    if !text.contains(['/', '&']) {
        assert_eq!(once, text, "there is no address in it");
    }
    // In broken markup an address may have a `<`, which is escaped in the next round at the latest.
    let again = static_site::relative(file, &once, &pages);
    let tags = [&*text, &once, &again].map(|text| text.matches('<').count());
    assert!(tags.is_sorted_by(|before, after| before >= after), "markup was added: {tags:?}");
}

/// The sample with a name in the fields that the upstream fills.
pub fn poisoned(name: &str) -> Snapshot {
    let mut snapshot = sample::snapshot();
    for model in &mut snapshot.models {
        model.name = name.to_owned();
        for endpoint in &mut model.endpoints {
            endpoint.name = name.to_owned();
            endpoint.tag = Tag::new(format!("{}/{name}", endpoint.tag));
            endpoint.why = name.to_owned();
            endpoint.facts.region = Some(name.to_owned());
        }
    }
    for provider in &mut snapshot.providers {
        provider.name = name.to_owned();
        provider.status_page = Some(name.to_owned());
    }
    for list in &mut snapshot.tier_lists {
        list.providers.iter_mut().for_each(|row| row.name = name.to_owned());
    }
    let first = snapshot.changes[0].clone();
    let at = |kind| Change { kind, model_id: Some(name.to_owned()), why: name.to_owned(), ..first.clone() };
    snapshot.changes.extend(ChangeKind::ALL.map(at));
    snapshot
}

/// Files and pages with names, of every way of escaping.
const WRITTEN: [&str; 7] = [
    "/badge/lumen.svg?lens=cost",
    "/badge/model/zephyr/quill-large.svg",
    "/changes.atom",
    "/providers",
    "/models/zephyr/quill-large",
    "/api/v1/endpoints?format=csv",
    "/api/v1/changes?format=csv",
];

/// A name of the upstream in pages, pictures, feeds and tables: it adds no tag, and no cell, row or formula.
pub fn names(input: &[u8]) {
    let (which, rest) = choice(input);
    let path = WRITTEN[which % WRITTEN.len()];
    let name = String::from_utf8_lossy(rest);
    let written = |name: &str| {
        let snapshot = poisoned(name);
        let site = serve::for_files(Arc::new(snapshot), sample::as_of(), "https://tiers.example.org");
        let request = Request::get(path).body(Body::empty()).expect("a request");
        wait(async {
            let response = site.oneshot(request).await.expect("routers do not fail");
            assert!(!response.status().is_server_error(), "{path}: {}", response.status());
            to_bytes(response.into_body(), 64 << 20).await.expect("an answer within the limit")
        })
    };
    let body = written(&name);
    if path.ends_with("csv") {
        return cells(path, &body);
    }
    let text = String::from_utf8(body.to_vec()).expect("UTF-8");
    let lower = text.to_lowercase();
    // What is in an attribute or a text has its angle brackets and quotation marks escaped.
    for harm in
        ["<img src=x", "onerror=\"", "<iframe", "<svg onload", "href=\"javascript:", "src=\"javascript:"]
    {
        assert!(!lower.contains(harm), "{path}: `{harm}` from {name:?}");
    }
    let is_hidden =
        |c: char| c.is_control() && c != '\n' && c != '\t' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(is_hidden), "{path}: a character that cannot be seen, from {name:?}");
}

fn cells(path: &str, body: &[u8]) {
    let mut reader = csv::ReaderBuilder::new().from_reader(body);
    let columns = reader.headers().expect("a header").len();
    for record in reader.records() {
        let record = record.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(record.len(), columns, "{path}: {record:?}");
        let is_formula = |cell: &str| {
            cell.starts_with(['=', '+', '@', '\t', '\r'])
                || cell.starts_with('-') && cell.parse::<f64>().is_err()
        };
        assert!(!record.iter().any(is_formula), "{path}: a formula in {record:?}");
    }
}

/// A tag and a model in the preferences of every target: each text is what its format says. A byte 0 separates the two.
pub fn preferences(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0).map(String::from_utf8_lossy);
    let tag = parts.next().unwrap_or_default();
    let model_id = parts.next().unwrap_or_default();
    let snapshot = sample::snapshot();
    let mut model = snapshot.model("zephyr/quill-large").expect("a model of the sample").clone();
    let made = preference(&snapshot, &model, Mode::Shortlist, "coding-agent", snapshot.as_of);
    model.model_id = format!("zephyr/{model_id}");
    model.endpoints[0].tag = Tag::new(&*tag);
    let object = json!({"only": [tag, "quarry"], "allow_fallbacks": true});
    let provider = serde_json::from_value(object).expect("a provider object");
    let made = Preference { provider: Some(provider), reason: None, model: model.model_id.clone(), ..made };
    for target in TARGETS {
        for file in target.render(&made, &model).files {
            bounded(target.name, file.text.len(), input.len(), 64);
            let name = target.name;
            match target.language {
                "json" => {
                    _ = serde_json::from_str::<Value>(&file.text)
                        .unwrap_or_else(|why| panic!("{name}: {why}"))
                }
                "toml" => _ = file.text.parse::<toml::Table>().unwrap_or_else(|why| panic!("{name}: {why}")),
                // Its own readers read it: see `tests/targets/run.py`.
                "yaml" => {
                    let is_odd = |c: char| c.is_control() && c != '\n';
                    assert!(!file.text.contains(is_odd), "{name}: {}", file.text);
                }
                "sh" => {
                    let (head, body) = file.text.split_once("<<'JSON'\n").expect("a here-document");
                    assert!(!head.contains("$(") && !head.contains('`'), "{name}: {head}");
                    let body = body.strip_suffix("\nJSON\n").expect("its end");
                    _ = serde_json::from_str::<Value>(body).unwrap_or_else(|why| panic!("{name}: {why}"));
                }
                // Letters of any script may be in a string; what ends a line or cannot be seen is an escape.
                _ => {
                    let is_odd = |c: char| {
                        c.is_control() && c != '\n'
                            || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                    };
                    assert!(!file.text.contains(is_odd), "{name}: {}", file.text);
                }
            }
        }
    }
}
