//! `docs/schema.md`: tables, views and columns from the comments in the database, values of closed lists from the
//! comments in the program, both put into the frame `schema.md`. `UPDATE_DOCS=1 cargo test --test it docs` writes it.

use super::{keep, read};
use crate::rig::{column, folder, store, tamper};
use std::collections::BTreeMap;
use std::path::Path;

const BARE: &str = "
    SELECT table_name FROM duckdb_tables() WHERE NOT internal AND comment IS NULL
    UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL
    UNION ALL SELECT concat(table_name, '.', column_name) FROM duckdb_columns() WHERE NOT internal AND comment IS NULL
    ORDER BY 1";

/// A row for each value of an enumeration, with its comment.
fn values(path: &str, name: &str) -> String {
    let source = read(path);
    let body =
        source.split(&format!("\n    {name} {{\n")).nth(1).and_then(|rest| rest.split("\n    }").next());
    let (mut rows, mut comment) = (String::new(), Vec::new());
    for line in body.unwrap_or_else(|| panic!("{path} has no {name}")).lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if let Some(value) = line.split('"').nth(1) {
            rows += &format!("| `{value}` | {} |\n", comment.join(" "));
            comment.clear();
        }
    }
    rows
}

/// The frame with every `{{table}}` and `{{file enumeration}}` filled in.
fn generated(data: &Path) -> String {
    let sections = column(data, include_str!("schema.sql"));
    let name = |text: &str| text.split('`').nth(1).expect("a name").to_owned();
    let mut sections: BTreeMap<String, String> =
        sections.into_iter().map(|text| (name(&text), text)).collect();
    let mut out = String::new();
    for line in include_str!("schema.md").lines() {
        let hole = line.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        out += &match hole.map(|hole| hole.split_once(' ').ok_or(hole)) {
            None => format!("{line}\n"),
            Some(Ok((path, name))) => values(path, name),
            Some(Err(table)) => sections.remove(table).unwrap_or_else(|| panic!("no table `{table}`")),
        };
    }
    assert!(sections.is_empty(), "tests/it/docs/schema.md has no place for {:?}", sections.keys());
    out
}

#[test]
fn the_schema_is_that_of_the_database() {
    let data = folder();
    drop(store(data.path()));
    let bare = column(data.path(), BARE);
    assert!(bare.is_empty(), "describe these in the migration, with COMMENT ON: {bare:?}");
    let text = generated(data.path());
    for example in text.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        tamper(data.path(), example);
    }
    keep("docs/schema.md", &text);
}
