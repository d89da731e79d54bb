//! `docs/dependencies.md` has a reason for each direct dependency, and every place that names the Rust version names the
//! same one. The figures of the rows are compared by `tests/supply/dependencies.py`, which needs cargo.

use super::{read, rows, same};
use std::collections::BTreeSet;

fn manifest() -> toml::Table {
    read("Cargo.toml").parse().expect("Cargo.toml is TOML")
}

/// The names in the tables of dependencies, also in those for some platforms only.
fn named(manifest: &toml::Table, kinds: &[&str]) -> BTreeSet<String> {
    let platforms = manifest.get("target").and_then(toml::Value::as_table);
    let platforms = platforms.into_iter().flat_map(|table| table.values()).filter_map(toml::Value::as_table);
    let tables = std::iter::once(manifest).chain(platforms);
    let of = |table: &toml::Table, kind: &&str| {
        let found = table.get(*kind).and_then(toml::Value::as_table);
        found.into_iter().flat_map(|found| found.keys().cloned()).collect::<Vec<_>>()
    };
    tables.flat_map(|table| kinds.iter().flat_map(move |kind| of(table, kind))).collect()
}

/// The part of a document below a heading.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let rest = text.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no `## {heading}`"));
    rest.split("\n## ").next().unwrap_or(rest)
}

#[test]
fn every_direct_dependency_has_a_reason() {
    let text = read("docs/dependencies.md");
    let manifest = manifest();
    let documented = |heading| {
        let rows = rows(section(&text, heading));
        for (name, row) in &rows {
            let cells: Vec<&str> = row.trim_matches(['|', ' ']).split(" | ").map(str::trim).collect();
            assert_eq!(cells.len(), 7, "{name}: {row}");
            assert!(cells.iter().all(|cell| !cell.is_empty()), "{name}: an empty cell");
        }
        let names: BTreeSet<String> = rows.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names.len(), rows.len(), "{heading}: a crate has two rows");
        names
    };
    same("dependencies", &documented("In the program"), &named(&manifest, &["dependencies"]));
    same("dependencies of tests", &documented("In tests"), &named(&manifest, &["dev-dependencies"]));
    // The document says so; a first one needs a section of its own.
    assert_eq!(named(&manifest, &["build-dependencies"]), BTreeSet::new());
}

/// The versions (`1.95`) that follow a text, wherever it is.
fn versions_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let digits = |rest: &'a str| {
        rest.split(|c: char| !(c.is_ascii_digit() || c == '.'))
            .next()
            .unwrap_or_default()
            .trim_end_matches('.')
    };
    text.match_indices(before).map(|(at, _)| digits(&text[at + before.len()..])).collect()
}

#[test]
fn every_place_names_the_same_rust_version() {
    let manifest = manifest();
    let stated = manifest["package"]["rust-version"].as_str().expect("the oldest supported Rust");
    let places = [
        ("README.md", "You need Rust "),
        ("Dockerfile", "FROM rust:"),
        (".github/workflows/ci.yml", "RUST_VERSION: \""),
        (".github/workflows/release.yml", "RUST_VERSION: \""),
    ];
    for (path, before) in places {
        let text = read(path);
        let found = versions_after(&text, before);
        assert!(!found.is_empty(), "{path}: no `{before}`");
        assert!(
            found.iter().all(|version| *version == stated),
            "{path}: {found:?}, but Cargo.toml has {stated}"
        );
    }
    let minor = stated.strip_prefix("1.").expect("1.x");
    assert_eq!(versions_after(&read("scripts/setup.sh"), "\nrust_minor="), [minor]);
    assert_eq!(manifest["package"]["edition"].as_str(), Some("2024"));
}

#[test]
fn versions_are_found_after_a_text() {
    let text = "FROM rust:1.95-bookworm AS a\nFROM rust:1.96\nno rust: here, Rust 1.9.";
    assert_eq!(versions_after(text, "rust:"), ["1.95", "1.96", ""]);
    assert_eq!(versions_after(text, "Rust "), ["1.9"]);
}
