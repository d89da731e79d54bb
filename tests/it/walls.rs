//! The walls of the architecture: which module may use which, which files may use which library, and what SQL must not
//! contain. The tests read the sources as text, so that a breach fails with its file and line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "walls/scan.rs"]
pub mod scan;

use scan::{line_of, own_modules_used, own_paths_used, plain_code, plain_sql, words_in_a_row};

/// Each module of the crate and what it may use of the crate beside itself; `None` means all.
const MAY_USE: &[(&str, Option<&[&str]>)] = &[
    ("domain", Some(&[])),
    ("background", Some(&[])),
    ("clock", Some(&[])),
    ("durable", Some(&["failpoint"])),
    ("failpoint", Some(&[])),
    ("secret", Some(&[])),
    ("connections", Some(&["api"])),
    ("prepared", Some(&[])),
    ("config", Some(&["domain"])),
    ("wording", Some(&["domain"])),
    ("upstream", Some(&["config", "domain"])),
    ("archive", Some(&["domain", "durable", "failpoint"])),
    ("imports", Some(&["domain"])),
    ("store", Some(&["domain", "durable", "failpoint", "request_log"])),
    ("analysis", Some(&["domain", "wording"])),
    ("snapshot", Some(&["domain", "durable", "failpoint"])),
    (
        "alerts",
        Some(&[
            "clock",
            "config",
            "domain",
            "durable",
            "failpoint",
            "fetch",
            "preferences",
            "snapshot",
            "wording",
        ]),
    ),
    ("cost", Some(&["domain", "snapshot", "wording"])),
    ("table", Some(&["domain", "snapshot"])),
    ("request_log", Some(&["domain"])),
    ("simulator", Some(&["clock", "domain"])),
    ("plausibility", Some(&["analysis", "domain"])),
    ("study", Some(&["analysis", "domain", "simulator"])),
    ("fetch", Some(&["clock", "domain"])),
    ("preferences", Some(&["domain", "snapshot", "wording"])),
    ("site", Some(&["cost", "domain", "preferences", "prepared", "snapshot", "table", "wording"])),
    ("api", Some(&["background", "cost", "domain", "preferences", "prepared", "snapshot", "table"])),
    ("mcp", Some(&["domain", "fetch", "preferences"])),
    ("static_site", Some(&["domain", "failpoint", "site", "snapshot"])),
    (
        "pipeline",
        Some(&[
            "analysis",
            "archive",
            "background",
            "clock",
            "config",
            "domain",
            "durable",
            "failpoint",
            "fetch",
            "imports",
            "plausibility",
            "preferences",
            "scheduler",
            "snapshot",
            "store",
            "upstream",
            "wording",
        ]),
    ),
    (
        "traffic",
        Some(&["analysis", "cost", "domain", "preferences", "request_log", "snapshot", "store", "wording"]),
    ),
    ("backup", Some(&["archive", "durable", "failpoint", "pipeline", "snapshot", "store"])),
    (
        "check",
        Some(&[
            "alerts",
            "analysis",
            "archive",
            "config",
            "domain",
            "fetch",
            "pipeline",
            "preferences",
            "scheduler",
            "snapshot",
            "store",
        ]),
    ),
    ("private", None),
    ("scheduler", Some(&["clock", "domain"])),
    ("serve", None),
    ("cli", None),
    ("lib", None),
    ("main", None),
];

/// Word sequences that only some files may contain, and the prefixes of the paths of these files.
const ONLY_IN: &[(&[&str], &[&str])] = &[
    (&["duckdb", "::"], &["src/store/"]),
    (&["use", "duckdb"], &["src/store/"]),
    (&["polars", "::"], &["src/analysis/", "src/store/frame.rs"]),
    (&["use", "polars"], &["src/analysis/", "src/store/frame.rs"]),
    (&["reqwest", "::"], &["src/fetch.rs", "src/fetch/"]),
    (&["use", "reqwest"], &["src/fetch.rs", "src/fetch/"]),
    (&["lettre", "::"], &["src/alerts/channels/email.rs"]),
    (&["use", "lettre"], &["src/alerts/channels/email.rs"]),
    (&["Utc", "::", "now"], &["src/clock.rs"]),
    (&["Local", "::", "now"], &["src/clock.rs"]),
    (&["SystemTime", "::", "now"], &["src/clock.rs"]),
];

/// The prefixes of the paths of the files that may name OpenRouter in code. Every other file may name it only in
/// sentences for people, as `OpenRouter` in a comment or a literal.
const MAY_NAME_OPENROUTER: &[&str] = &[
    // The upstream.
    "src/upstream/openrouter/",
    "src/upstream/mod.rs",
    // Keys of the settings.
    "src/config.rs",
    // A target of preferences.
    "src/preferences/",
    "src/api/preference_query.rs",
    // Formats of request logs, and what they are called in the user's own traffic.
    "src/request_log/",
    "src/traffic/",
    // The attributes of its telemetry that the receiver keeps.
    "src/private/allowed.rs",
    "src/private/names.rs",
    "src/private/repeats.rs",
    // Its real wire shapes.
    "src/simulator/",
    // The description of a field: the names of its sources.
    "src/domain/record.rs",
];

/// Word sequences that no SQL file may contain, and the reason.
const NEVER_IN_SQL: &[(&[&str], &str)] = &[
    (&["primary", "key"], "growing tables carry no index; dedupe by anti-join"),
    (&["unique"], "growing tables carry no index; dedupe by anti-join"),
    (&["create", "index"], "growing tables carry no index"),
    (&["timestamptz"], "times are naive UTC TIMESTAMP"),
    (&["timestamp", "with", "time", "zone"], "times are naive UTC TIMESTAMP"),
    (&["now", "("], "the time is a parameter"),
    (&["today", "("], "the time is a parameter"),
    (&["get_current_timestamp", "("], "the time is a parameter"),
    (&["current_date"], "the time is a parameter"),
    (&["current_time"], "the time is a parameter"),
    (&["current_timestamp"], "the time is a parameter"),
];

/// The breaches of one Rust file, as sentences; `path` is relative to the package, as `src/site/page.rs`.
fn breaches_in_rust(path: &str, source: &str) -> Vec<String> {
    let code = plain_code(source);
    let inside = module_path(path);
    let own = inside.first().map_or("lib", String::as_str);
    let mut found = Vec::new();
    let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == own) else {
        return vec![format!(
            "{path}: module `{own}` has no row in MAY_USE; add one with the modules it may use"
        )];
    };
    if let Some(allowed) = allowed {
        for (at, used) in own_modules_used(&code, inside.len()) {
            if used != own && !allowed.contains(&used.as_str()) {
                let may = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
                found.push(format!("{path}:{}: `{own}` uses `{used}`; it may use {may}", line_of(&code, at)));
            }
        }
    }
    for (words, places) in ONLY_IN {
        if !places.iter().any(|place| path.starts_with(place)) {
            for at in words_in_a_row(&code, words) {
                let said = words.join(" ");
                let line = line_of(&code, at);
                found.push(format!("{path}:{line}: says `{said}`; only {} may", places.join(", ")));
            }
        }
    }
    if !MAY_NAME_OPENROUTER.iter().any(|place| path.starts_with(place)) {
        for (number, (line, code)) in source.lines().zip(code.lines()).enumerate() {
            let is_machine_name =
                ["openrouter", "openRouter", "OPENROUTER"].iter().any(|name| line.contains(name));
            if is_machine_name || code.contains("OpenRouter") {
                found.push(format!("{path}:{}: names `openrouter`; only src/upstream/ may", number + 1));
            }
        }
    }
    found
}

/// The files that import each other in a circle within a module (and those between two circles), each with the files
/// among them that it uses. Files that hold other files (`mod.rs`, or `x.rs` beside a folder `x`) do not count.
fn circles(files: &[(String, String)]) -> Vec<String> {
    let modules: Vec<Vec<String>> = files.iter().map(|(path, _)| module_path(path)).collect();
    let holds =
        |module: &Vec<String>| modules.iter().any(|m| m.len() > module.len() && m.starts_with(module));
    let single: BTreeSet<&Vec<String>> = modules.iter().filter(|module| !holds(module)).collect();
    let mut uses: BTreeMap<&Vec<String>, BTreeSet<&Vec<String>>> = BTreeMap::new();
    for (module, (_, source)) in modules.iter().zip(files).filter(|(module, _)| single.contains(module)) {
        let paths = own_paths_used(&plain_code(source), module);
        let used = single.iter().copied().filter(|other| {
            *other != module && other.first() == module.first() && paths.iter().any(|p| p.starts_with(other))
        });
        uses.insert(module, used.collect());
    }
    // A file that uses no other file, or that no other file uses, is not part of a circle.
    loop {
        let there: BTreeSet<_> = uses.keys().copied().collect();
        uses.values_mut().for_each(|used| used.retain(|one| there.contains(one)));
        let wanted: BTreeSet<_> = uses.values().flatten().copied().collect();
        let before = uses.len();
        uses.retain(|module, used| !used.is_empty() && wanted.contains(module));
        if uses.len() == before {
            break;
        }
    }
    let named = |module: &Vec<String>| module.join("/");
    let line = |(module, used): (&Vec<String>, BTreeSet<&Vec<String>>)| {
        format!("{} uses {}", named(module), used.into_iter().map(named).collect::<Vec<_>>().join(", "))
    };
    uses.into_iter().map(line).collect()
}

/// The breaches of one SQL file, as sentences.
fn breaches_in_sql(path: &str, source: &str) -> Vec<String> {
    let sql = plain_sql(source);
    let mut found = Vec::new();
    for (words, why) in NEVER_IN_SQL {
        for at in words_in_a_row(&sql, words) {
            found.push(format!("{path}:{}: says `{}`: {why}", line_of(&sql, at), words.join(" ")));
        }
    }
    found
}

/// `src/site/page.rs` is module `[site, page]`, `src/site/mod.rs` is `[site]`.
fn module_path(path: &str) -> Vec<String> {
    let parts = path.trim_start_matches("src/").trim_end_matches(".rs").split('/');
    parts.filter(|part| *part != "mod").map(str::to_owned).collect()
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under `folder` with this extension, as (path relative to the package, text).
fn files_under(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut waiting = vec![package().join(folder)];
    let mut found: Vec<PathBuf> = Vec::new();
    while let Some(dir) = waiting.pop() {
        let entries = fs::read_dir(&dir).unwrap_or_else(|why| panic!("cannot list {}: {why}", dir.display()));
        for entry in entries {
            let path = entry.expect("a folder entry can be read").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|ending| ending == extension) {
                found.push(path);
            }
        }
    }
    // `tests.rs` is a test module in a separate file, and tests may use anything.
    found.retain(|path| !path.ends_with("tests.rs"));
    found.sort();
    found.iter().map(|path| (relative(path), read(path))).collect()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(package()).expect("the file is in the package").to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("cannot read {}: {why}", path.display()))
}

fn manifest() -> toml::Table {
    read(&package().join("Cargo.toml")).parse().expect("Cargo.toml is TOML")
}

fn at<'a>(table: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(table.get(*first)?, |value, key| value.get(*key))
}

#[test]
fn every_module_stays_behind_its_walls() {
    let files = files_under("src", "rs");
    assert!(files.iter().any(|(path, _)| path == "src/domain/mod.rs"), "the sources were found");
    let found: Vec<String> = files.iter().flat_map(|(path, text)| breaches_in_rust(path, text)).collect();
    assert!(found.is_empty(), "walls are breached:\n{}", found.join("\n"));
}

#[test]
fn no_files_of_a_module_import_each_other_in_a_circle() {
    let found = circles(&files_under("src", "rs"));
    assert!(found.is_empty(), "circles of files:\n{}", found.join("\n"));
}

#[test]
fn a_made_up_circle_is_caught() {
    let file = |path: &str, source: &str| (path.to_owned(), source.to_owned());
    let files = [
        file("src/site/mod.rs", "mod a; use self::a::A; use crate::site::b::B;"),
        file("src/site/a.rs", "use super::{b::{B, C as D}, d}; use crate::store::Store;"),
        file("src/site/b.rs", "fn f() { crate::site::parts::c::g() } use super::d::E;"),
        file("src/site/parts/mod.rs", "pub mod c;"),
        file("src/site/parts/c.rs", "use super::super::a::A; use super::f;"),
        file("src/site/d.rs", "#[cfg(test)]\nmod tests { use super::super::a::A; }"),
        file("src/store/a.rs", "use crate::site::a::A;"),
    ];
    assert_eq!(
        circles(&files),
        ["site/a uses site/b", "site/b uses site/parts/c", "site/parts/c uses site/a"]
    );
}

#[test]
fn every_row_of_the_table_is_a_module() {
    let there: BTreeSet<String> =
        files_under("src", "rs").iter().filter_map(|(path, _)| module_path(path).first().cloned()).collect();
    let gone: Vec<&str> =
        MAY_USE.iter().map(|(module, _)| *module).filter(|module| !there.contains(*module)).collect();
    assert!(gone.is_empty(), "MAY_USE names modules that do not exist: {gone:?}");
}

#[test]
fn no_query_says_what_duckdb_punishes() {
    if !package().join("queries").exists() {
        return;
    }
    let found: Vec<String> =
        files_under("queries", "sql").iter().flat_map(|(path, text)| breaches_in_sql(path, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_made_up_offender_is_caught() {
    let source = r##"
        //! use crate::store; in a comment is no use
        use crate::{domain::tier::Tier, store::{Store, read}, snapshot};
        use super::super::analysis::tiers;
        use duckdb::Connection;
        fn late() -> String {
            let text = "crate::serve::run reqwest::get";
            let raw = r#"crate::pipeline::run "quoted" "#;
            let quote = '"';
            crate::fetch::get(chrono::Utc::now(), polars::prelude::col("crate::cli"), &'a' , text, raw, quote)
        }
        #[cfg(test)]
        mod tests {
            use crate::simulator::Upstream;
        }
        #[cfg(test)]
        use crate::cli;
        #[cfg(test)] #[allow(dead_code)] fn helper() { crate::serve::run() }
        fn after_the_tests() { crate :: archive :: open() }
    "##;
    let found = breaches_in_rust("src/site/page.rs", source);
    let lines: Vec<&str> = found.iter().map(|text| text.split(';').next().unwrap_or_default()).collect();
    assert_eq!(
        lines,
        [
            "src/site/page.rs:3: `site` uses `store`",
            "src/site/page.rs:4: `site` uses `analysis`",
            "src/site/page.rs:10: `site` uses `fetch`",
            "src/site/page.rs:19: `site` uses `archive`",
            "src/site/page.rs:5: says `duckdb ::`",
            "src/site/page.rs:5: says `use duckdb`",
            "src/site/page.rs:10: says `polars ::`",
            "src/site/page.rs:10: says `Utc :: now`",
        ]
    );
}

#[test]
fn openrouter_is_named_behind_its_door_and_in_sentences() {
    let source = "//! Data of OpenRouter.\nuse crate::upstream::openrouter::OpenRouter;\n\
        fn f() -> &'static str {\n    \"from OpenRouter’s pages\"\n}\nconst NAME: &str = \"openrouter-api\";\n\
        /// As in `openrouter`.\nstruct OpenRouterRow;\n";
    let found = breaches_in_rust("src/pipeline/collect.rs", source);
    let lines: Vec<&str> = found.iter().map(|text| text.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(lines, [2, 6, 7, 8].map(|line| format!("src/pipeline/collect.rs:{line}")), "{found:?}");
    assert_eq!(breaches_in_rust("src/upstream/openrouter/join.rs", source), [""; 0]);
}

#[test]
fn what_is_allowed_passes() {
    let page = "use crate::domain::tier::Tier;\nuse crate::site::chart;\nuse super::chart;\n";
    assert_eq!(breaches_in_rust("src/site/page.rs", page), [""; 0]);
    assert_eq!(breaches_in_rust("src/cli/collect.rs", "use crate::{store, fetch, site};"), [""; 0]);
    assert_eq!(breaches_in_rust("src/store/frame.rs", "use duckdb::arrow; use polars::prelude::*;"), [""; 0]);
    assert_eq!(
        breaches_in_rust("src/fetch.rs", "fn get(c: reqwest::Client) -> crate::clock::Clock {}"),
        [""; 0]
    );
}

#[test]
fn the_crate_root_in_one_go_and_a_module_without_a_row_are_caught() {
    let found = breaches_in_rust("src/archive.rs", "use super::*;\nuse hitrate::store;\nuse crate::*;");
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(breaches_in_rust("src/surprise/mod.rs", "").len(), 1);
    assert_eq!(breaches_in_rust("src/clock.rs", "use crate::config::Config;").len(), 1);
}

#[test]
fn made_up_sql_is_caught() {
    let sql = "-- a PRIMARY KEY in a comment\nCREATE TABLE t (a INT Primary  Key, at TIMESTAMPTZ, b INT UNIQUE);\n\
               SELECT now(), 'current_date', current_date /* unique */ FROM known WHERE uniqueness = 1;\n\
               CREATE UNIQUE INDEX i ON t (a); CREATE INDEX j ON t (b)";
    let found = breaches_in_sql("queries/x.sql", sql);
    let said: Vec<&str> = found.iter().filter_map(|text| text.split('`').nth(1)).collect();
    assert_eq!(
        said,
        ["primary key", "unique", "unique", "create index", "timestamptz", "now (", "current_date"],
        "{found:?}"
    );
    assert_eq!(breaches_in_sql("queries/y.sql", "SELECT $at AS known_at, knownow(1) FROM t"), [""; 0]);
}

#[test]
fn duckdb_is_never_compiled_with_debug_information() {
    let manifest = manifest();
    for profile in ["dev", "dist"] {
        let debug = at(&manifest, &["profile", profile, "package", "libduckdb-sys", "debug"]);
        let why = "any debug information compiles DuckDB with its slow assertions";
        assert_eq!(debug, Some(&toml::Value::Boolean(false)), "profile.{profile}: {why}");
    }
}

#[test]
fn heavy_features_stay_off() {
    let manifest = manifest();
    let dependency = |name: &str, key: &str| at(&manifest, &["dependencies", name, key]).cloned();
    for name in ["duckdb", "polars"] {
        let off = Some(toml::Value::Boolean(false));
        assert_eq!(dependency(name, "default-features"), off, "{name} without its default features");
    }
    let polars = dependency("polars", "features").expect("polars lists its features").to_string();
    for feature in ["parquet", "csv", "ipc", "json", "cloud"] {
        assert!(!polars.contains(&format!("\"{feature}\"")), "polars/{feature} pulls a second HTTP stack");
    }
    let default = at(&manifest, &["features", "default"]).and_then(toml::Value::as_array);
    assert_eq!(default.map(Vec::len), Some(0), "DuckDB is never compiled by accident");
}

#[test]
fn the_image_runs_as_nobody_special_and_knows_how_it_is() {
    let dockerfile = read(&package().join("Dockerfile"));
    let runtime = dockerfile.rsplit("\nFROM ").next().expect("there is a last stage");
    let words = |word: &str| {
        runtime.lines().find_map(|line| line.strip_prefix(word)).map(|rest| rest.trim().to_owned())
    };
    let user = words("USER ").expect("the last stage sets USER");
    assert!(!["root", "0"].contains(&user.split(':').next().unwrap_or_default()), "it runs as {user}");
    assert!(words("HEALTHCHECK ").is_some_and(|check| check.contains("CMD [\"hitrate\", \"healthcheck\"]")));
    assert!(words("ENTRYPOINT ").is_some_and(|entry| entry.contains("hitrate")));
}
