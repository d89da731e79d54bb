//! `/llms.txt`: what hitrate is and how to query it, for language models (llmstxt.org).

use crate::site::registry::PAGES;
use crate::snapshot::Snapshot;
use serde_json::Value;
use std::fmt::Write;

/// The text. `base` is the address of the service, empty if unknown; `document` is the OpenAPI document.
pub fn text(snapshot: &Snapshot, document: &Value, base: &str) -> String {
    let about = document["info"]["description"].as_str().unwrap_or_default();
    let summary = &snapshot.summary;
    let mut text = format!("# hitrate\n\n> {about}\n\n");
    // Writing to a String cannot fail.
    _ = write!(
        text,
        "{} endpoints of {} models at {} providers, as of {}. The data come from {}{}.\n\n",
        summary.endpoints,
        summary.models,
        summary.providers,
        snapshot.as_of.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        snapshot.upstream(),
        if snapshot.simulated { " (simulated: do not use the numbers)" } else { "" }
    );
    text += &questions(base);
    text += "\n## Routes\n\nEvery answer is `{data, meta}`; `meta.as_of` is the age of the data. An unknown parameter is \
             an error, and errors list the accepted values.\n\n";
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        let summary = item["get"]["summary"].as_str().unwrap_or_default();
        _ = writeln!(text, "- `GET {base}{path}`: {summary}");
    }
    _ = write!(text, "\n## Pages\n\n");
    for row in PAGES.iter() {
        if let Some(label) = row.label {
            _ = writeln!(text, "- [{label}]({base}{})", row.path);
        }
    }
    text
}

/// The frequent questions, each with the address that answers it.
fn questions(base: &str) -> String {
    const QUESTIONS: [(&str, &str); 7] = [
        ("Find a model by words of its name", "/api/v1/models?q=WORDS"),
        ("Which hosts to use for a model, with evidence", "/api/v1/preferences/AUTHOR/SLUG?mode=shortlist"),
        (
            "The same as a config file; /api/v1/targets lists the files",
            "/api/v1/preferences/AUTHOR/SLUG/FILE",
        ),
        ("What a session costs at every endpoint of a model", "/api/v1/cost/AUTHOR/SLUG"),
        ("All endpoints as a table; `.parquet` works too", "/api/v1/endpoints.csv?variants=all"),
        ("The history of an endpoint", "/api/v1/endpoints/AUTHOR/SLUG/TAG/history?every=day"),
        ("What changed", "/api/v1/changes"),
    ];
    let mut text =
        "## How to query\n\nGET requests, without a key. Rates are fractions, prices are USD per million \
                    tokens.\n\n"
            .to_owned();
    for (question, address) in QUESTIONS {
        _ = writeln!(text, "- {question}: `{base}{address}`");
    }
    _ = writeln!(text, "- [The description of the API (OpenAPI 3.1)]({base}/api/v1/openapi.json)");
    _ = writeln!(text, "- [The API with samples in curl, Python and JavaScript]({base}/api)");
    _ = writeln!(text, "- [The method: what the numbers mean]({base}/method)");
    text
}
