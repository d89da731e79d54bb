//! The table of formats in the documentation is that of the program.

use hitrate::request_log::formats;
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_documentation_lists_every_format_with_its_rule() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/traffic.md");
    let text = std::fs::read_to_string(path).expect("docs/traffic.md");
    let section =
        text.split("## Formats").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let mut missing = Vec::new();
    for format in formats() {
        let failures = if format.states_failures { "yes" } else { "not recorded" };
        let id = format!("`{}`", format.id);
        let rule = format.rule.to_string();
        let is_there = rows.iter().any(|row| {
            row.len() == 5
                && (row[0], row[1], row[3], row[4]) == (id.as_str(), format.title, rule.as_str(), failures)
        });
        if !is_there {
            missing.push(format!("| {id} | {} | WHAT IS READ | {rule} | {failures} |", format.title));
        }
    }
    let known: BTreeSet<String> = formats().map(|format| format!("`{}`", format.id)).collect();
    let gone: Vec<&str> = rows.iter().map(|row| row[0]).filter(|id| !known.contains(*id)).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "rows to add:\n{}\nrows to remove: {gone:?}",
        missing.join("\n")
    );
}

#[test]
fn identifiers_of_formats_are_distinct_and_can_be_typed() {
    let mut seen = BTreeSet::new();
    for format in formats() {
        assert!(seen.insert(format.id), "{} occurs twice", format.id);
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(format.id.chars().all(is_plain) && !format.title.contains('|'), "{}", format.id);
    }
}
