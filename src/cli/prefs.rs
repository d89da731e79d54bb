//! `hitrate prefs`.

use super::tables::{Column, Report, Table, name, text};
use super::{Common, exit, mine, output, plain, print_exactly, print_json, print_text};
use crate::clock::Clock;
use crate::domain::format::{percent, percent_change};
use crate::domain::limits::Limits;
use crate::preferences::targets::{Answer, Names, TARGETS, Target};
use crate::preferences::{Compared, Mode, PreferenceOptions, TRAFFIC, advise, known_workload};
use crate::snapshot::Snapshot;
use crate::table::{Cell, columns, tsv};
use crate::traffic::acting::{MINE, Shrunk, add_workload, with_own_rates};
use crate::wording::price_list;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Arguments of `prefs`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate prefs moonshotai/kimi-k2.6\n  \
hitrate prefs moonshotai/kimi-k2.6 --for opencode > opencode.json\n  \
hitrate prefs z-ai/glm-5.2 --for litellm --mode pin --quant-floor fp8\n  \
hitrate prefs z-ai/glm-5.2 --for litellm --out litellm.yaml --check\n  \
hitrate prefs --list-targets")]
pub struct PrefsArgs {
    /// Model id or canonical slug; aliases, `:nitro` and the like, and `@preset/SLUG` are understood.
    #[arg(required_unless_present = "list_targets")]
    model: Option<String>,
    /// Router, agent or language to write the preference for.
    #[arg(long = "for", value_name = "TARGET", default_value = TARGETS[0].name, hide_possible_values = true,
        value_parser = PossibleValuesParser::new(Target::names()))]
    target: String,
    /// Print the targets that --for accepts, with what each can express, and exit.
    #[arg(long)]
    list_targets: bool,
    /// How strict the preference is: avoid bad endpoints, shortlist good ones, pin the best, or try good ones in order
    /// (which turns off the router's sticky routing).
    #[arg(long, default_value = Mode::DEFAULT.as_str(), value_parser = ["avoid", "shortlist", "pin", "order"])]
    mode: String,
    /// Workload to rank by; `traffic` is the mix that the model's endpoints serve, `mine` is fitted to your own traffic
    /// [default: coding-agent].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Rank by what the endpoints kept for your own sessions, shrunk towards the public figures; at least 5 sessions at an
    /// endpoint are needed. It does not apply to the workload `traffic`.
    #[arg(long, conflicts_with = "list_targets")]
    own: bool,
    /// Write the text to this file, as a whole; a symbolic link stays a link, and `-` is standard output. Without a
    /// preference, nothing is written.
    #[arg(long, value_name = "FILE", conflicts_with = "list_targets")]
    out: Option<PathBuf>,
    /// Write nothing, only compare: exit code 0 if the file has this text, 1 if it would change, 3 if it could not compare.
    #[arg(long, requires = "out")]
    check: bool,
    /// Coarsest acceptable weight format, such as fp8.
    #[arg(long, value_name = "FORMAT", help_heading = "Limits")]
    quant_floor: Option<String>,
    #[command(flatten)]
    limits: Limits,
}

/// Prints a preference from the saved snapshot, as of that snapshot: a person wants to see what the data said. A file,
/// like the API, is followed unattended: once the data are stale, there is no preference for it.
///
/// Only the text for the target goes to standard output, so that it can be written to a file; everything else goes to
/// standard error. Without a text, the exit code is 1: an empty file must not pass for a preference.
pub fn run(common: &Common, args: &PrefsArgs) -> Result<u8> {
    if args.list_targets {
        common.report(&crate::api::listed_targets(), || describe(TARGETS))?;
        return Ok(exit::OK);
    }
    if args.out.as_deref().is_some_and(output::is_stdout) {
        if args.check || common.json {
            bail!("`--out -` writes the text to standard output; name a file, or leave `--out` out");
        }
        let answer = answer(common, args)?;
        let text = text_for_file(&answer, Path::new("standard output"))?;
        output::write(common, Path::new("-"), |to| to.write_all(text.as_bytes()))?;
        print_about(&answer);
        return Ok(exit::OK);
    }
    let Some(file) = &args.out else {
        let answer = answer(common, args)?;
        if common.json {
            print_json(&answer)?;
            return Ok(exit::OK);
        }
        return print_answer(&answer);
    };
    if !args.check {
        let answer = answer(common, args)?;
        write(common, &answer, file)?;
        return printed(common, &answer, exit::OK);
    }
    let compared = answer(common, args).and_then(|answer| Ok((is_current(&answer, file)?, answer)));
    match compared {
        Ok((true, answer)) => printed(common, &answer, exit::OK),
        Ok((false, answer)) => {
            eprintln!("{} would change", file.display());
            printed(common, &answer, exit::ERROR)
        }
        Err(error) => {
            eprintln!("hitrate: {}", plain::harmless(&format!("{error:#}")));
            Ok(exit::UNCHECKED)
        }
    }
}

/// Prints the answer with `--json`; the text itself is in the file.
fn printed(common: &Common, answer: &Answer, code: u8) -> Result<u8> {
    if common.json {
        print_json(answer)?;
    }
    Ok(code)
}

/// The text for a file.
///
/// # Errors
/// If there is no preference, also if the text would still contain the limits: it would replace a better one.
fn text_for_file<'a>(answer: &'a Answer, file: &Path) -> Result<&'a str> {
    let Answer { preference, rendered } = answer;
    match rendered.files.as_slice() {
        [one] if preference.provider.is_some() => Ok(&one.text),
        _ => {
            let notes = || rendered.notes.join(". ");
            let why =
                preference.reason.clone().filter(|_| preference.provider.is_none()).unwrap_or_else(notes);
            bail!(
                "no preference for {} in mode {}, so {} is not changed: {why}",
                preference.model,
                preference.mode,
                file.display()
            )
        }
    }
}

/// Whether a file has the text of an answer.
fn is_current(answer: &Answer, file: &Path) -> Result<bool> {
    let text = text_for_file(answer, file)?;
    // A device may have no end, and a pipe waits.
    if file.metadata().is_ok_and(|kind| !kind.is_file() && !kind.is_dir()) {
        return Ok(false);
    }
    match std::fs::read(file) {
        Ok(there) => Ok(there == text.as_bytes()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", file.display())),
    }
}

/// Writes the text of an answer to a file, unless it is there already.
fn write(common: &Common, answer: &Answer, file: &Path) -> Result<()> {
    if is_current(answer, file)? {
        eprintln!("{} is unchanged", file.display());
    } else {
        let text = text_for_file(answer, file)?;
        output::write(common, file, |to| to.write_all(text.as_bytes()))?;
        eprintln!("{} is written", file.display());
    }
    print_about(answer);
    Ok(())
}

/// The preference of the saved snapshot, with its text.
fn answer(common: &Common, args: &PrefsArgs) -> Result<Answer> {
    // Not parsed by clap: an unknown format is an error with exit code 1.
    let floor = args.quant_floor.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let limits = Limits { quant_floor: floor, ..args.limits.clone() };
    let limits = limits.checked().map_err(anyhow::Error::msg)?;
    let target: &Target = args.target.parse().map_err(anyhow::Error::msg)?;
    let mut snapshot = common.snapshot()?;
    let name = args.model.as_deref().context("no model given")?;
    let mixed = with_own_traffic(common, args, &mut snapshot, name)?;
    let snapshot = snapshot;
    let model = super::model::find(&snapshot, name)?;
    let mode: Mode = args.mode.parse().map_err(|why: String| anyhow!("{why}"))?;
    let workload = known_workload(&snapshot, args.workload.as_deref()).map_err(|why| anyhow!("{why}"))?;
    let options = PreferenceOptions { mode: target.mode(mode), workload, limits: &limits };
    let now = Common::clock().now();
    let at = if args.out.is_some() { now } else { snapshot.as_of };
    let mut preference = advise(&snapshot, model, &options, at);
    if let Some(unmet) = preference.unmet(model) {
        let file = args.out.as_ref().map(|file| format!(", so {} is not changed", file.display()));
        bail!("no preference for {}{}: {unmet}", model.model_id, file.unwrap_or_default());
    }
    if let Some((_, name)) = snapshot.model_written(name) {
        preference = preference.for_name(&name);
    }
    preference.warnings.extend(mixed);
    if now > preference.valid_until {
        preference.warnings.push(format!(
            "expired: the data are from {}; run `hitrate collect` before you use this preference",
            snapshot.as_of.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ));
    }
    Ok(target.answer(preference, model))
}

/// Adds the workload `mine` and own rates to a snapshot, if they are requested, and returns how rates were mixed.
fn with_own_traffic(
    common: &Common,
    args: &PrefsArgs,
    snapshot: &mut Snapshot,
    name: &str,
) -> Result<Vec<String>> {
    let is_mine = args.workload.as_deref() == Some(MINE) && snapshot.workload(MINE).is_none();
    if !is_mine && !args.own {
        return Ok(Vec::new());
    }
    let model = super::model::find(snapshot, name)?;
    let model_id = model.model_id.clone();
    if is_mine {
        let workload = mine::workload(common, Some(model))?;
        add_workload(snapshot, &model_id, &workload);
    }
    if !args.own {
        return Ok(Vec::new());
    }
    if args.workload.as_deref() == Some(TRAFFIC) {
        bail!(
            "--own does not apply to the workload `{TRAFFIC}`, whose costs are those of all users; choose another one, for example `{MINE}`"
        );
    }
    let mixed = with_own_rates(&mine::store(common)?, snapshot, &model_id)?;
    if mixed.is_empty() {
        return Ok(vec![
            "no endpoint of the model has 5 sessions of yours, so all rates are public ones".to_owned(),
        ]);
    }
    Ok(mixed.iter().map(Shrunk::text).collect())
}

/// Prints a line about a preference on standard error.
fn about(text: &str) {
    eprintln!("# {}", plain::one_line(text));
}

/// The text on standard output, everything about it on standard error.
fn print_answer(answer: &Answer) -> Result<u8> {
    let (preference, rendered) = (&answer.preference, &answer.rendered);
    if rendered.files.is_empty() {
        bail!(
            "no preference for {} in mode {}: {}",
            preference.model,
            preference.mode,
            rendered.notes.join(". ")
        );
    }
    for file in &rendered.files {
        about(&format!("{}: {}", rendered.title, file.path));
        let text = file.text.trim_end_matches('\n');
        // In a file it has to be exact.
        if std::io::stdout().is_terminal() { print_text(text)? } else { print_exactly(text)? }
    }
    print_about(answer);
    Ok(exit::OK)
}

/// Prints the evidence, the saving and the warnings of a preference on standard error.
fn print_about(answer: &Answer) {
    let (preference, rendered) = (&answer.preference, &answer.rendered);
    for evidence in &preference.evidence {
        about(&format!("{}: {}", evidence.tag, evidence.why));
    }
    let list = &preference.saving.against_cheapest_list;
    about(&saved(&price_list::reference(list.against.as_ref().map_or(1, Vec::len)), list));
    about(&saved("the average price paid by its traffic", &preference.saving.against_traffic_average));
    preference.speed.text.iter().for_each(|text| about(text));
    about(&format!(
        "valid until {}",
        preference.valid_until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    ));
    for (word, texts) in [("warning", &preference.warnings), ("note", &rendered.notes)] {
        texts.iter().for_each(|text| about(&format!("{word}: {text}")));
    }
    about(&preference.router_default);
    if rendered.sticky_safe {
        about(&preference.session_id);
    } else {
        let rule = &rendered.stickiness;
        about(&format!("warning: a conversation may move to an endpoint whose cache is cold: {rule}"));
    }
}

/// The saving as a sentence.
fn saved(against: &str, compared: &Compared) -> String {
    let Some((share, usd)) = compared.fraction.zip(compared.usd_per_session) else {
        let why = compared.why.as_deref().unwrap_or("no figures");
        return format!("saving versus {against}: unknown ({why})");
    };
    let is_loss = share < 0.0;
    let interval = match compared.low.zip(compared.high) {
        Some((low, high)) => {
            let (low, high) = if is_loss { (-high, -low) } else { (low, high) };
            format!("90 % interval {:+.0} to {:+.0} %", low * 100.0, high * 100.0)
        }
        None => compared.why.clone().unwrap_or_default(),
    };
    if is_loss {
        let (more, usd) = (percent(-share, 1), -usd);
        return format!("costs {more} more than {against}, {usd:.4} USD per session (expected; {interval})");
    }
    format!(
        "expected saving versus {against}: {}, {usd:+.4} USD per session ({interval})",
        percent_change(share, 0)
    )
}

columns!(Target, |row| {
    "name": Cell::text(row.name),
    "title": Cell::text(row.title),
    "about": Cell::text(row.about),
    "path": Cell::text(row.path),
    "names": Cell::text(names(row)),
    "fields": Cell::Text(row.fields.join(" ")),
});

/// How many endpoints a target can name.
fn names(target: &Target) -> &'static str {
    match target.names {
        Names::Many => "many",
        Names::One => "one",
        Names::None => "none",
    }
}

/// The targets of preferences.
fn describe(targets: &[Target]) -> Report {
    const COLUMNS: [Column; 4] =
        [text("--for", 1), name("what it is", 2), text("names", 3), name("fields it can express", 4)];
    let mut table = Table::new(&COLUMNS, tsv(targets));
    let all = targets.iter().map(|target| target.fields.len()).max().unwrap_or_default();
    for target in targets {
        let fields = if target.fields.len() == all { "all".to_owned() } else { target.fields.join(" ") };
        table.row([target.name, target.about, names(target), &fields]);
    }
    Report::default().table(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saving_below_zero_is_worded_as_a_cost() {
        let compared = |fraction: f64, ends: Option<(f64, f64)>| Compared {
            fraction: Some(fraction),
            usd_per_session: Some(fraction * 0.5),
            low: ends.map(|ends| ends.0),
            high: ends.map(|ends| ends.1),
            why: ends.is_none().then(|| "no interval".to_owned()),
            ..Compared::default()
        };
        let listed = |one: &Compared| saved(&price_list::reference(1), one);
        assert_eq!(
            listed(&compared(-0.042, Some((-0.2, 0.1)))),
            "costs 4.2 % more than the lowest list price, 0.0210 USD per session (expected; 90 % interval -10 to +20 %)"
        );
        assert_eq!(
            listed(&compared(0.12, Some((0.03, 0.2)))),
            "expected saving versus the lowest list price: +12 %, +0.0600 USD per session (90 % interval +3 to +20 %)"
        );
        assert!(listed(&compared(-0.01, None)).ends_with("(expected; no interval)"));
        assert!(saved("x", &Compared::default()).contains("unknown (no figures)"));
    }
}
