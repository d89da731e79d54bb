//! The documents name everything that exists, and nothing else: API routes, modules and functions. Commands, settings,
//! exit codes and thresholds are generated (`docs/reference.rs`), and so are tables and columns (`docs/schema.rs`).

mod dependencies;
mod method;
mod reference;
mod schema;
mod views;

use clap::CommandFactory;
use hitrate::api;
use hitrate::cli::Cli;
use hitrate::preferences::targets::TARGETS;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files below a folder that have the extension, sorted by path.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![at(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The first cell of every table row that begins with code, and the whole row: `| `fetch.timeout_seconds` | … |`.
fn rows(text: &str) -> Vec<(&str, &str)> {
    let first = |line| {
        let rest = str::strip_prefix(line, "| `")?;
        Some((rest.split('`').next()?, line))
    };
    text.lines().filter_map(first).collect()
}

/// Asserts that the documented names are exactly the existing ones.
fn same(what: &str, documented: &BTreeSet<String>, there: &BTreeSet<String>) {
    let missing: Vec<_> = there.difference(documented).collect();
    let stale: Vec<_> = documented.difference(there).collect();
    assert!(missing.is_empty(), "{what}: not documented: {missing:?}");
    assert!(stale.is_empty(), "{what}: documented but missing in the program: {stale:?}");
}

/// Asserts that a generated document is up to date, or writes it if `UPDATE_DOCS` is set.
fn keep(path: &str, text: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(at(path), text).expect("the document can be written");
    }
    let kept = read(path);
    let differs = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made);
    assert!(
        kept == text,
        "{path} is out of date, first at {differs:?}; run UPDATE_DOCS=1 cargo test --test it docs"
    );
}

/// Every verb as it is typed, with its own long options.
fn verbs(command: &clap::Command, path: &str, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let children: Vec<_> = command.get_subcommands().filter(|child| child.get_name() != "help").collect();
    // Some commands can be run by themselves and have commands of their own, such as `hitrate check`.
    let is_group = command.is_subcommand_required_set() || path == "hitrate";
    if children.is_empty() || !is_group {
        let own = command.get_arguments().filter(|argument| !argument.is_global_set());
        let long = own.filter_map(|argument| argument.get_long()).filter(|long| *long != "help");
        found.insert(path.to_owned(), long.map(|long| format!("--{long}")).collect());
    }
    for child in children {
        verbs(child, &format!("{path} {}", child.get_name()), found);
    }
}

/// The `--options` of a text.
fn options(text: &str) -> BTreeSet<String> {
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let after = text.match_indices("--").map(|(start, _)| &text[start..]);
    let word = |rest: &str| rest.chars().take_while(|c| letters(*c)).collect::<String>();
    after.map(word).filter(|word| word.len() > 3 && !word.starts_with("---")).collect()
}

/// The documents of the repository, with their names.
fn documents() -> Vec<(String, String)> {
    let mut paths = files("docs", "md");
    paths.push(at("README.md"));
    let named = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a document");
        (path.display().to_string(), text)
    };
    paths.into_iter().map(named).collect()
}

#[test]
fn commands_in_the_documents_exist() {
    let cli = Cli::command();
    let mut there = BTreeMap::new();
    verbs(&cli, "hitrate", &mut there);
    let global = cli.get_arguments().filter(|argument| argument.is_global_set());
    let global: BTreeSet<String> =
        global.filter_map(|argument| argument.get_long()).map(|long| format!("--{long}")).collect();
    let mut checked = 0;
    for (path, text) in documents() {
        let spans = text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("hitrate "));
        // A span may name a group of commands (`hitrate study`) or one command with its options.
        for span in spans.filter(|span| span.starts_with(|c: char| c.is_ascii_lowercase())) {
            let words: Vec<&str> = span.split_whitespace().collect();
            let of = |count: usize| {
                let name = format!("hitrate {}", words[..count.min(words.len())].join(" "));
                let group = format!("{name} ");
                let named = there.iter().filter(|(verb, _)| **verb == name || verb.starts_with(&group));
                named.map(|(_, own)| own).collect::<Vec<_>>()
            };
            let own = Some(of(2)).filter(|own| !own.is_empty()).unwrap_or_else(|| of(1));
            assert!(!own.is_empty(), "{path}: there is no `hitrate {span}`");
            for long in options(span) {
                let known = global.contains(&long) || own.iter().any(|own| own.contains(&long));
                assert!(known, "{path}: `hitrate {span}` has no option {long}");
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}

#[test]
fn what_to_do_about_every_exit_code_is_explained() {
    let text = read("docs/operations.md");
    let section = text.split("\n## Exit codes").nth(1).expect("exit codes");
    let section = section.split("\n## ").next().expect("its text");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(' ').next());
    let documented = rows.filter(|cell| cell.parse::<u8>().is_ok()).map(str::to_owned).collect();
    let there: BTreeSet<String> = reference::exit_codes().into_iter().map(|(code, _)| code).collect();
    assert!(there.len() > 6, "{there:?}");
    same("exit codes", &documented, &there);
}

#[test]
fn every_route_of_the_api_is_described() {
    let described = serde_json::to_value(api::openapi()).expect("JSON");
    let text = read("docs/api.md");
    let documented = rows(&text).into_iter().filter_map(|(cell, _)| cell.strip_prefix("GET "));
    let documented = documented.filter(|path| path.starts_with("/api/")).map(str::to_owned).collect();
    let paths = described["paths"].as_object().expect("paths");
    same("routes", &documented, &paths.keys().cloned().collect());
    for (path, operations) in paths {
        for method in operations.as_object().expect("operations").keys() {
            assert_eq!(method, "get", "{path}");
        }
    }
}

#[test]
fn every_kind_of_problem_is_described() {
    let source = read("src/api/problem.rs");
    let source = source.split("#[cfg(test)]").next().expect("the program");
    let there: BTreeSet<String> = source
        .split("\"/problems/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect();
    let text = read("docs/api.md");
    let documented = rows(&text).into_iter().filter_map(|(cell, _)| cell.strip_prefix("/problems/"));
    same("problems", &documented.map(str::to_owned).collect(), &there);
}

#[test]
fn every_module_is_in_the_architecture_and_every_function_named_there_exists() {
    let text = read("docs/architecture.md");
    let library = read("src/lib.rs");
    let there = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let documented = rows(&text).into_iter().map(|(cell, _)| cell.to_owned()).collect();
    same("modules", &documented, &there.map(str::to_owned).collect());

    let sources: Vec<String> =
        files("src", "rs").iter().map(|path| std::fs::read_to_string(path).expect("a source")).collect();
    let sources = sources.join("\n");
    let named: BTreeSet<&str> =
        text.split('`').skip(1).step_by(2).filter_map(|code| code.strip_suffix("()")).collect();
    assert!(named.len() > 15, "the walk through the program names its functions: {named:?}");
    for name in named {
        let last = name.rsplit("::").next().expect("a name");
        let defined = [format!("fn {last}("), format!("fn {last}<")];
        assert!(defined.iter().any(|text| sources.contains(text)), "no function `{name}`");
        if let Some(module) = name.split("::").next().filter(|_| name.contains("::")) {
            let type_or_module =
                [format!("impl {module} "), format!("mod {module};"), format!(" for {module} ")];
            assert!(type_or_module.iter().any(|text| sources.contains(text)), "no `{module}` for `{name}`");
        }
    }
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let mut documents = files("docs", "md");
    documents.extend([at("README.md"), at("CHANGELOG.md")]);
    let mut followed = 0;
    for document in documents {
        let text = std::fs::read_to_string(&document).expect("a document");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            // Pictures come from a running service and may be added later than the text.
            if target.contains("://") || target.ends_with(".png") {
                continue;
            }
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = match path {
                "" => document.clone(),
                path => document.parent().expect("a folder").join(path),
            };
            assert!(file.exists(), "{}: {target}", document.display());
            if !fragment.is_empty() {
                let text = std::fs::read_to_string(&file).expect("a document");
                let mut headings = text.lines().filter(|line| line.starts_with('#')).map(anchor);
                assert!(headings.any(|anchor| anchor == fragment), "{}: {target}", document.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 10, "{followed}");
}

/// The fragment of a heading, as Markdown hosts derive it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn the_number_of_targets_is_that_of_the_program() {
    let words = " routers, agents, libraries and languages";
    for path in ["README.md", "CHANGELOG.md"] {
        let text = read(path);
        let before =
            |end: usize| text[..end].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        let counts = text.match_indices(words).map(|(end, _)| before(end)).filter(|count| !count.is_empty());
        let counts: Vec<&str> = counts.collect();
        assert_eq!(counts, [TARGETS.len().to_string()], "{path}");
    }
}
