//! Names that an upstream might send: markup, right-to-left text, zero-width characters, very long names. They stay
//! text on pages and in files.

use super::{attribute, get, has_handler, named, pages, sample, site_over, tags};
use axum::http::{StatusCode, header};
use chrono::Duration;
use hitrate::api::{ApiState, router};
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use hitrate::domain::flag::FlagKind;
use hitrate::domain::ids::{ProviderSlug, Tag};
use hitrate::site::{endpoint_pages, pages as addresses, twins};
use hitrate::snapshot::{Current, Snapshot};
use std::sync::Arc;

/// Names that break out of text, attributes, titles, layout, lines and cells.
fn hostile() -> [String; 8] {
    [
        "<script>alert(1)</script>".to_owned(),
        "\"><img src=x onerror=alert(1)> ' onmouseover='x".to_owned(),
        "\u{202e}gnp.exe\u{2069}\u{202e} نص <b>".to_owned(),
        format!("</title></main></svg>]]>{}", "W".repeat(300)),
        "🧪👩\u{200d}🔬 o\u{301}\u{323}\u{489} \u{fdfd}".to_owned(),
        "\u{200b}no\u{feff}\u{2060}width \u{0}\u{1}\u{7f}\u{85}\u{fffe} two\nlines\u{2028}".to_owned(),
        "=HYPERLINK(\"http://x.example\",\"y\")".to_owned(),
        "x\r\nSet-Cookie: a=b\r\n\r\n<html>".to_owned(),
    ]
}

/// The sample with the name in every field that comes from the upstream.
fn poisoned(name: &str) -> Snapshot {
    let mut snapshot = sample::snapshot();
    let slug = ProviderSlug::new(name);
    for list in &mut snapshot.tier_lists {
        list.note = Some(name.to_owned());
        for row in &mut list.providers {
            row.name = name.to_owned();
            row.reason = Some(name.to_owned());
        }
    }
    for provider in &mut snapshot.providers {
        provider.name = name.to_owned();
        provider.headquarters = Some(name.to_owned());
        provider.status_page = Some(format!("javascript:{name}"));
        provider.terms_of_service = Some(format!("https://x.example/{name}"));
    }
    snapshot.providers[0].provider = slug.clone();
    for model in &mut snapshot.models {
        model.name = name.to_owned();
        for endpoint in &mut model.endpoints {
            endpoint.name = name.to_owned();
            endpoint.tag = Tag::new(format!("{}/{name}", endpoint.tag));
            endpoint.why = name.to_owned();
            endpoint.facts.region = Some(name.to_owned());
            endpoint.facts.quantization = Some(name.to_owned());
            endpoint.facts.parameters.push(name.to_owned());
            endpoint.flags = FlagKind::ALL.map(sample::flag).to_vec();
        }
        model.endpoints[0].provider = slug.clone();
    }
    snapshot.status.missing.push(name.to_owned());
    for change in &mut snapshot.changes {
        change.why = name.to_owned();
        change.tag = Some(Tag::new(format!("lumen/{name}")));
    }
    let of_kind = |kind| {
        let text = Some(ChangeValue::Text(name.to_owned()));
        Change {
            kind,
            model_id: Some(name.to_owned()),
            field: Some(ChangedField::Quantization),
            before: text.clone(),
            after: text,
            ..snapshot.changes[0].clone()
        }
    };
    let unknown = ChangeKind::ALL.map(of_kind);
    snapshot.changes.extend(unknown);
    snapshot.status.runs[0].failures = vec![name.to_owned()];
    snapshot.status.quarantine[0].example = name.to_owned();
    snapshot.status.drift[0].path = name.to_owned();
    snapshot
}

/// Whether a text has no invisible characters that change how the rest is read.
fn is_clean(text: &str) -> bool {
    let bad = |c: char| {
        c.is_control() && c != '\n' && c != '\t'
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}' | '\u{fffe}')
    };
    !text.contains(bad)
}

#[tokio::test]
async fn hostile_names_stay_text() {
    for name in hostile() {
        let snapshot = poisoned(&name);
        // The poisoned endpoints have other tags, and with them other addresses.
        let own = pages().into_iter().filter(|path| !path.contains("/endpoints/"));
        let all = own.chain(addresses(&snapshot)).filter(|path| path != "/providers/lumen");
        let all = all.chain(endpoint_pages(&snapshot));
        let all: Vec<String> = all.collect();
        let site = site_over(Some(snapshot), Duration::minutes(24));
        for path in all {
            let page = get(&site, &path).await;
            let wanted = if path.contains('@') { StatusCode::NOT_FOUND } else { StatusCode::OK };
            assert_eq!(page.status, wanted, "{path} with {name}");
            let tags = tags(&path, &page.body);
            let own = |img: &&String| attribute(img, "src").is_some_and(|src| src.starts_with("/badge/"));
            assert!(named(&tags, "img").iter().all(own), "{path} with {name}");
            let own =
                |script: &&String| attribute(script, "src").is_some_and(|src| src.starts_with("/assets/"));
            assert!(named(&tags, "script").iter().all(own), "{path} with {name}");
            assert!(!tags.iter().any(|tag| has_handler(tag)), "{path} with {name}");
            let hrefs = tags.iter().filter_map(|tag| attribute(tag, "href"));
            assert!(hrefs.into_iter().all(|href| !href.contains("javascript:")), "{path} with {name}");
            assert!(is_clean(&page.body), "{path} with {name:?} holds what cannot be seen");
            let title = page.body.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next());
            assert!(title.is_some_and(|title| title.chars().count() < 400), "{path}: a title of {title:?}");
        }
    }
}

#[tokio::test]
async fn hostile_names_stay_text_in_pictures_feed_and_site_map() {
    for name in hostile() {
        let snapshot = poisoned(&name);
        let provider = addresses(&snapshot)
            .into_iter()
            .find_map(|path| Some(path.strip_prefix("/providers/")?.to_owned()));
        let provider = provider.expect("a provider");
        let site = site_over(Some(snapshot), Duration::minutes(24));
        for path in [
            "/changes.atom".to_owned(),
            "/sitemap.xml".to_owned(),
            "/chart/model/northwind/atlas-3/hit-rate.svg".to_owned(),
            "/chart/model/northwind/atlas-3/effective-price.svg".to_owned(),
            format!("/chart/provider/{provider}/hit-rate.svg"),
            format!("/badge/{provider}.svg?lens=cache"),
            "/badge/model/northwind/atlas-3.svg".to_owned(),
        ] {
            let file = get(&site, &path).await;
            assert_eq!(file.status, StatusCode::OK, "{path} with {name:?}");
            let body =
                file.body.strip_prefix("<?xml version=\"1.0\" encoding=\"utf-8\"?>").unwrap_or(&file.body);
            let tags = tags(&path, body);
            assert!(named(&tags, "script").is_empty() && !tags.iter().any(|tag| has_handler(tag)), "{path}");
            assert!(is_clean(body), "{path} with {name:?} holds what cannot be seen");
        }
        for path in [format!("/og/provider/{provider}.png"), "/og/model/northwind/atlas-3.png".to_owned()] {
            let card = get(&site, &path).await;
            assert_eq!(
                (card.status, &card.headers[header::CONTENT_TYPE]),
                (StatusCode::OK, &"image/png".parse().expect("a type"))
            );
        }
    }
}

/// Parses CSV (RFC 4180) into rows of fields.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {
                chars.next();
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    assert!(row.is_empty() && field.is_empty() && !quoted, "the last row ends with a line end");
    rows
}

#[tokio::test]
async fn hostile_names_stay_in_their_cell_and_out_of_headers() {
    for name in hostile() {
        let snapshot = poisoned(&name);
        let site = site_over(Some(snapshot.clone()), Duration::minutes(24));
        let current = Arc::new(Current::new(Some(snapshot.clone())));
        let api = router(ApiState { current, bodies: Arc::default(), now: Arc::new(sample::as_of) });
        let csv = get(&api, "/api/v1/endpoints?variants=all&format=csv").await;
        let rows = rows(&csv.body);
        assert_eq!(rows.len(), 1 + snapshot.summary.endpoints, "{name:?}");
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{name:?}");
        let formula = |field: &String| field.starts_with(['=', '@']);
        assert!(!rows.iter().flatten().any(formula), "{name:?}");
        let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in
            [format!("/search?q={encoded}"), format!("/models/{encoded}"), format!("/nothing/{encoded}")]
        {
            let answer = get(&site, &path).await;
            assert!(!answer.headers.contains_key(header::SET_COOKIE), "{path}");
            if let Some(place) = answer.headers.get(header::LOCATION) {
                let place = place.to_str().expect("an address is ASCII");
                assert!(place.starts_with('/') && !place.contains(['"', '<', ' ']), "{place}");
            }
        }
    }
    assert!(
        twins(&poisoned("a\r\nb")).iter().all(|path| path.is_ascii() && !path.contains(char::is_whitespace))
    );
}
