//! `docs/reference.md`: commands from the definition of the command line, settings from `data/hitrate.toml`, exit codes
//! from `cli::exit`, thresholds from their table. `UPDATE_DOCS=1 cargo test --test it docs` writes it.

use super::{keep, read};
use clap::{Arg, Command, CommandFactory};
use hitrate::cli::Cli;
use hitrate::config;
use hitrate::domain::thresholds;

const INTRO: &str = "# Reference

Commands, settings, exit codes and thresholds of this version. This document is generated: `UPDATE_DOCS=1 cargo test --test it docs` writes it, and a test fails if it is out of date.

## Commands

Without a command, hitrate starts the service (`hitrate serve`). MODEL is a model id (`author/name`, `author/name:free`) or a canonical slug; for an unknown name, hitrate suggests the closest ones. `tiers`, `model`, `cost`, `prefs`, `share`, `status`, `open`, `mcp` and `publish` read the saved snapshot, also while a server runs. `changes`, `import`, `export`, `query`, `dataset`, `rollup`, `backtest`, `study flips`, `study preferences`, `study sensitivity` and `tiers --as-of` need the store: if a server is running and holds it, they query the server; otherwise they open the file themselves.

These options are valid for every command, before or after it. With `--json`, a command that returns data prints one JSON document on standard output and nothing else: the `data` of the API, if the API answers the same question. Without it, tables fit the terminal, and in a pipe they are tab-separated values ([operations](operations.md#in-a-pipe)). Logs go to standard error, and the environment variable `HITRATE_LOG` sets what is logged (default `hitrate=info,warn`).

";

const SETTINGS: &str = "## Settings

Put the settings that you want to change into `hitrate.toml` in the data folder, or into the file given with `--config`: `fetch.rate_per_second` is `rate_per_second` under `[fetch]`. An unknown key is rejected, and the error names its path. `hitrate config` prints the settings in use, `hitrate config --defaults` this list as a file to start from.

| setting | default | what it sets |
|---|---|---|
";

const CODES: &str = "
## Exit codes

[Operations](operations.md#exit-codes) states what to do about each.

| code | meaning |
|---|---|
";

const THRESHOLDS: &str = "
## Thresholds

The numbers that [the method](method.md) uses, under the names of `/api/v1/thresholds`.

| threshold | value | unit | what it decides |
|---|---|---|---|
";

/// A text as the cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// `--seeds N`, `--json`, `MODEL`, or `[MODEL]` if it may be omitted.
fn spelled(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let value = names.first().map(ToString::to_string).unwrap_or_default();
    match argument.get_long() {
        Some(long) if argument.get_action().takes_values() => format!("--{long} {value}"),
        Some(long) => format!("--{long}"),
        None if argument.is_required_set() => value,
        None => format!("[{value}]"),
    }
}

fn row(argument: &Arg) -> String {
    let mut text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    if let Some(variable) = argument.get_env() {
        text += &format!(" [env: {}]", variable.to_string_lossy());
    }
    if argument.get_action().takes_values() {
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if !defaults.is_empty() {
            text += &format!(" [default: {}]", defaults.join(" "));
        }
        let values = argument.get_possible_values();
        let values: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        if !values.is_empty() && !argument.is_hide_possible_values_set() {
            text += &format!(" [possible values: {}]", values.join(", "));
        }
    }
    format!("| `{}` | {} |\n", cell(&spelled(argument)), cell(&text))
}

fn arguments<'a>(all: impl Iterator<Item = &'a Arg>) -> String {
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) = all.partition(|argument| argument.is_positional());
    let rows: String = positional.into_iter().chain(options).map(row).collect();
    if rows.is_empty() { rows } else { format!("| argument | what it is |\n|---|---|\n{rows}\n") }
}

/// Appends a section for every command that can be run; hidden commands and options are left out.
fn commands(command: &Command, path: &str, out: &mut String) {
    let children: Vec<&Command> = command
        .get_subcommands()
        .filter(|child| child.get_name() != "help" && !child.is_hide_set())
        .collect();
    for child in &children {
        commands(child, &format!("{path} {}", child.get_name()), out);
    }
    // Some commands can be run by themselves and have commands of their own, such as `hitrate check`.
    if !children.is_empty() && (command.is_subcommand_required_set() || path == "hitrate") {
        return;
    }
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let about = about.trim_end_matches('.');
    *out += &format!("### `{path}`\n\n{about}.\n\n");
    *out += &arguments(command.get_arguments().filter(|argument| {
        !argument.is_hide_set() && !argument.is_global_set() && argument.get_long() != Some("help")
    }));
    if let Some(text) = command.get_after_help() {
        *out += &format!("```text\n{text}\n```\n\n");
    }
}

/// A row for every setting. Its text is the comment above it.
fn settings() -> String {
    let (mut rows, mut section, mut comment) = (String::new(), "", Vec::new());
    for line in config::DEFAULTS.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            comment.clear();
        } else if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some((key, value)) = line.split_once(" = ") {
            assert!(!comment.is_empty(), "data/hitrate.toml does not explain {section}.{key}");
            rows += &format!("| `{section}.{key}` | `{value}` | {} |\n", cell(&comment.join(" ")));
            comment.clear();
        }
    }
    rows
}

/// The exit codes with the comments of their constants.
pub(super) fn exit_codes() -> Vec<(String, String)> {
    let source = read("src/cli/mod.rs");
    let module = source.split("pub mod exit {").nth(1).and_then(|rest| rest.split("\n}").next());
    let (mut codes, mut comment) = (Vec::new(), Vec::new());
    for line in module.expect("the exit codes").lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push(text.trim());
        } else if let Some((_, code)) = line.trim_end_matches(';').split_once(" = ") {
            codes.push((code.to_owned(), comment.join(" ")));
            comment.clear();
        }
    }
    codes
}

fn generated() -> String {
    let cli = Cli::command();
    let mut text = INTRO.to_owned();
    text += &arguments(cli.get_arguments().filter(|argument| argument.is_global_set()));
    commands(&cli, "hitrate", &mut text);
    text += SETTINGS;
    text += &settings();
    text += CODES;
    for (code, meaning) in exit_codes() {
        text += &format!("| {code} | {} |\n", cell(&meaning));
    }
    text += THRESHOLDS;
    for one in thresholds::table() {
        text +=
            &format!("| `{}` | {} | {} | {} |\n", one.name, one.value, cell(&one.unit), cell(&one.meaning));
    }
    text
}

#[test]
fn the_reference_is_that_of_the_program() {
    let text = generated();
    assert!(
        text.matches("\n### `hitrate ").count() > 20 && text.matches("\n| `fetch.").count() > 3,
        "{text}"
    );
    keep("docs/reference.md", &text);
}
