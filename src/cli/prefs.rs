//! `hitrate prefs`.

use super::tables::table;
use super::{Common, exit, print_json, print_text};
use crate::clock::Clock;
use crate::domain::format::{percent, percent_change};
use crate::domain::limits::Limits;
use crate::preferences::targets::{Answer, Names, TARGETS, Target};
use crate::preferences::{Compared, Mode, PreferenceOptions, advise, known_workload};
use crate::wording::price_list;
use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use clap::builder::PossibleValuesParser;

/// Arguments of `prefs`.
#[derive(Debug, Args)]
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
    /// Workload to rank by; `traffic` is the mix that the model's endpoints serve [default: coding-agent].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Coarsest acceptable weight format, such as fp8.
    #[arg(long, value_name = "FORMAT", help_heading = "Limits")]
    quant_floor: Option<String>,
    #[command(flatten)]
    limits: Limits,
}

/// Prints a preference from the saved snapshot, as of that snapshot: a person wants to see what the data said. The API,
/// which routers follow unattended, returns no preference once the data are stale.
///
/// Only the text for the target goes to standard output, so that it can be written to a file; everything else goes to
/// standard error. Without a text, the exit code is 1: an empty file must not pass for a preference.
pub fn run(common: &Common, args: &PrefsArgs) -> Result<u8> {
    if args.list_targets {
        common.print(&TARGETS, || describe(TARGETS))?;
        return Ok(exit::OK);
    }
    // Not parsed by clap: an unknown format is an error with exit code 1.
    let floor = args.quant_floor.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let limits = Limits { quant_floor: floor, ..args.limits.clone() };
    let limits = limits.checked().map_err(anyhow::Error::msg)?;
    let target: &Target = args.target.parse().map_err(anyhow::Error::msg)?;
    let snapshot = common.snapshot()?;
    let name = args.model.as_deref().context("no model given")?;
    let model = super::model::find(&snapshot, name)?;
    let mode: Mode = args.mode.parse().map_err(|why: String| anyhow!("{why}"))?;
    let workload = known_workload(&snapshot, args.workload.as_deref()).map_err(|why| anyhow!("{why}"))?;
    let options = PreferenceOptions { mode: target.mode(mode), workload, limits: &limits };
    let mut preference = advise(&snapshot, model, &options, snapshot.as_of);
    if let Some(unmet) = preference.unmet(model) {
        bail!("no preference for {}: {unmet}", model.model_id);
    }
    if let Some((_, name)) = snapshot.model_written(name) {
        preference = preference.for_name(&name);
    }
    let now = Common::clock().now();
    if now > preference.valid_until {
        preference.warnings.push(format!(
            "expired: the data are from {}; run `hitrate collect` before you use this preference",
            snapshot.as_of.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ));
    }
    let answer = target.answer(preference, model);
    if common.json {
        print_json(&answer)?;
        return Ok(exit::OK);
    }
    print_answer(&answer)
}

/// The text on standard output, everything about it on standard error.
fn print_answer(answer: &Answer) -> Result<u8> {
    let (preference, rendered) = (&answer.preference, &answer.rendered);
    let about = |text: &str| eprintln!("# {}", text.replace(char::is_control, " "));
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
        print_text(file.text.trim_end_matches('\n'))?;
    }
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
    Ok(exit::OK)
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

/// The targets of preferences.
fn describe(targets: &[Target]) -> String {
    let mut table = table(&["--for", "what it is", "names", "fields it can express"], 4);
    let all = targets.iter().map(|target| target.fields.len()).max().unwrap_or_default();
    for target in targets {
        let names = match target.names {
            Names::Many => "many",
            Names::One => "one",
            Names::None => "none",
        };
        let fields = if target.fields.len() == all { "all".to_owned() } else { target.fields.join(" ") };
        table.add_row([target.name, target.about, names, &fields]);
    }
    table.to_string()
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
