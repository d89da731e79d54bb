//! `hitrate tiers`: prints a tier list.

use super::tables::{
    Column, Report, Table, clean, dash, fixed, line, name, number, percent, session, text, tier,
};
use super::{Common, exit, running};
use crate::domain::format;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{ProviderTier, TierList};
use crate::domain::window::moment;
use crate::pipeline::build_snapshot;
use crate::snapshot::Snapshot;
use crate::table::tsv;
use anyhow::{Context, Error, Result};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::collections::BTreeMap;

/// Arguments of `tiers`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate tiers\n  \
hitrate tiers --lens cache --wide\n  \
hitrate tiers --workload chat --as-of 2026-08-01\n  \
hitrate tiers | cut -f 1,3,5")]
pub struct TiersArgs {
    /// Lens to rank by.
    #[arg(long, default_value = Lens::Cost.as_str(),
        value_parser = PossibleValuesParser::new(Lens::ALL.map(Lens::as_str)).try_map(|name| name.parse::<Lens>()))]
    pub lens: Lens,
    /// Workload for cost and overall [default: coding-agent].
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// Show the list as known at this time: an RFC 3339 time, or a date for the end of that UTC day.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    as_of: Option<DateTime<Utc>>,
}

/// Prints a tier list from the saved snapshot, or recomputed for a past day.
pub fn run(common: &Common, args: &TiersArgs) -> Result<u8> {
    let snapshot = match args.as_of {
        None => common.snapshot()?,
        Some(time) => past(common, time)?,
    };
    let list = pick(&snapshot, args.lens, args.workload.as_deref())?;
    common.report(list, || describe(list, snapshot.simulated))?;
    Ok(exit::OK)
}

fn pick<'a>(snapshot: &'a Snapshot, lens: Lens, workload: Option<&str>) -> Result<&'a TierList> {
    let workload = snapshot.workload_name(workload).map_err(Error::msg)?;
    snapshot
        .tier_list(lens, Some(workload))
        .context("the snapshot does not contain this tier list; the next collection adds it")
}

/// The snapshot as it would have been at a given time: what was known then, with the tier history up to then.
fn past(common: &Common, time: DateTime<Utc>) -> Result<Snapshot> {
    let known_at = time.to_rfc3339_opts(SecondsFormat::Micros, true);
    running::read_or_ask(common, ("a snapshot", &format!("/local/snapshot?as_of={known_at}")), |store| {
        let workloads = common.settings()?.workloads(common.data().path())?;
        Ok(build_snapshot(store, Some(time), workloads, time)?)
    })
}

fn describe(list: &TierList, simulated: bool) -> Report {
    let workload = list.workload.as_deref().map(|name| format!(", workload {name}")).unwrap_or_default();
    let heading = format!(
        "lens {}{workload}, {} to {}, as of {}{}",
        list.lens,
        list.window.from,
        list.window.to,
        list.as_of.to_rfc3339(),
        if list.provisional { ", provisional" } else { "" }
    );
    let report = Report::default().text(heading).simulated(simulated);
    let report = report.text(line(list.note.as_deref().unwrap_or_default())).table(providers(list));
    let mut text = String::from(
        "vs peers: compared with other providers on the same models (the tiers use this figure); 90 %: the intervals for \
         another model like its own, and for the same models a week later; between: the tiers that the first one \
         reaches; traffic mean: weighted \
         by tokens, what users got; models mean: the plain average over the provider's models",
    );
    for (provider, measured) in list.providers.iter().filter_map(|row| Some((row, row.measured_outside()?))) {
        let why = if provider.cap == Some(provider.tier) { "capped at" } else { "held at the edge of" };
        let (name, measured) = (clean(&provider.name), effect(list.lens, measured));
        text.push_str(&format!("\n{why} {}: {name}, measured {measured}", provider.tier));
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for provider in list.providers.iter().filter(|provider| provider.tier == Tier::Unrated) {
        let reason = provider.reason.as_deref().unwrap_or("no reason given");
        reasons.entry(reason).or_default().push(clean(&provider.name));
    }
    for (reason, names) in reasons {
        text.push_str(&format!("\nunrated: {}: {}", clean(reason), names.join(", ")));
    }
    report.text(text)
}

fn providers(list: &TierList) -> Table {
    let adjusted = |value: Option<f64>| dash(value, |value| effect(list.lens, value));
    let ends = |low: Option<f64>, high| {
        dash(low.zip(high), |(low, high)| {
            format!("{} to {}", effect(list.lens, low), effect(list.lens, high))
        })
    };
    let mean = |value: Option<f64>| match list.lens {
        Lens::Cache | Lens::Reliability => percent(value),
        Lens::Cost => session(value),
        Lens::Speed | Lens::Overall => fixed(value, 1),
    };
    const COLUMNS: [Column; 13] = [
        tier("tier", 1),
        name("provider", 1),
        number("vs peers", 1),
        number("90 % interval", 4),
        number("traffic mean", 2),
        number("models mean", 8),
        number("models", 3),
        number("tokens/day", 5),
        number("rank", 5),
        text("since", 6),
        number("next week", 7),
        number("likeliest", 7),
        text("between", 8),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&list.providers));
    // Unrated providers have few figures; they are listed below the table with their reasons.
    for provider in list.providers.iter().filter(|provider| provider.tier != Tier::Unrated) {
        table.row([
            provider.tier.to_string(),
            provider.name.clone(),
            adjusted(provider.adjusted),
            ends(provider.low, provider.high),
            mean(provider.traffic_mean),
            mean(provider.model_mean),
            provider.models.to_string(),
            format!("{:.1} B", provider.tokens_per_day / 1e9),
            dash(provider.rank_low.zip(provider.rank_high), |(best, worst)| format!("{best} to {worst}")),
            since(provider.since, provider.previous),
            ends(provider.next_low, provider.next_high),
            likeliest(provider),
            dash(provider.span, |span| format!("{} and {}", span.best, span.worst)),
        ]);
    }
    table
}

/// A figure in the unit of the lens, with the decimals that its tier is based on.
fn effect(lens: Lens, value: f64) -> String {
    match lens {
        Lens::Cache => format!("{:+.1} points", value * 100.0),
        Lens::Cost => format::percent_change(value, 1),
        Lens::Reliability | Lens::Speed | Lens::Overall => format!("{value:+.2}"),
    }
}

/// The tier that most draws give, and their share: `A 62.0 %`.
fn likeliest(provider: &ProviderTier) -> String {
    let all = provider.tier_probabilities.iter().flatten();
    let most = all.max_by(|one, other| one.1.total_cmp(other.1));
    dash(most, |(tier, share)| format!("{tier} {}", percent(Some(*share))))
}

/// "2026-08-03, was A".
fn since(since: Option<NaiveDate>, previous: Option<Tier>) -> String {
    let before = previous.map(|tier| format!(", was {tier}")).unwrap_or_default();
    dash(since, |day| format!("{day}{before}"))
}
