//! Tables for people on a terminal.

use super::check::CheckedRun;
use crate::domain::backtest::{Backtest, TestedDays};
use crate::domain::flag::names;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::{ProviderTier, TierList};
use crate::preferences::targets::{Names, Target};
use crate::snapshot::{Endpoint, ModelEntry};
use crate::study::flips::{FLIP_BOUND, FlipReport};
use crate::study::lag::{Lag, LagReport};
use chrono::NaiveDate;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use std::collections::BTreeMap;

pub(super) const SIMULATED: &str = "SIMULATED DATA: made up by the demo's upstream";

/// Upstream text without what a terminal would act on.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

pub(super) fn table(header: &[&str], right_from: usize) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header);
    for column in table.column_iter_mut().skip(right_from) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn fixed(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.decimals$}"))
}

pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{:.1} %", value * 100.0))
}

/// A backtest: over all its days, and over those that our policy was not tuned on.
pub fn backtest(tested: &Backtest) -> String {
    let mut text = format!("All days\n{}", tested_days(&tested.all));
    if let Some(days) = &tested.reported_on {
        let tuned = tested.tuned_on;
        text.push_str(&format!(
            "\n\nDays that hitrate was not tuned on (tuned on {} to {})\n{}",
            tuned.from,
            tuned.to,
            tested_days(days)
        ));
    }
    text
}

fn tested_days(days: &TestedDays) -> String {
    let mut table = table(&["policy", "equal", "by sqrt(tokens)", "by tokens"], 1);
    for row in &days.policies {
        let over = |ratio: f64| format!("{:+.2} %", (ratio - 1.0) * 100.0);
        table.add_row([
            row.policy.name().to_owned(),
            over(row.equal),
            over(row.sqrt_tokens),
            over(row.tokens),
        ]);
    }
    format!(
        "{table}\nCost over the oracle's, geometric mean over {} choices ({} models) from {} to {}, each charged the price of the day after.\n\
         Left out: {} endpoint-days without a price on the day after, {} model-days with one endpoint to choose from.",
        days.model_days,
        days.models,
        days.from,
        days.to,
        days.exclusions.gone_next_day,
        days.exclusions.lone_endpoint
    )
}

/// A tier list.
pub fn tiers(list: &TierList, simulated: bool) -> String {
    let adjusted = |value: Option<f64>| match (value, list.lens) {
        (None, _) => "-".into(),
        (Some(value), Lens::Cache) => format!("{:+.0} points", value * 100.0),
        (Some(value), Lens::Cost) => format!("{:+.0} %", value * 100.0),
        (Some(value), _) => format!("{value:+.2}"),
    };
    let mean = |value: Option<f64>| match list.lens {
        Lens::Cache | Lens::Reliability => percent(value),
        Lens::Cost => value.map_or_else(|| "-".into(), |value| format!("${value:.3}")),
        Lens::Speed | Lens::Overall => fixed(value, 1),
    };
    let mut table = table(
        &[
            "tier",
            "span",
            "since",
            "provider",
            "against peers",
            "90 % interval",
            "rank",
            "likeliest",
            "traffic mean",
            "models mean",
            "models",
            "tokens a day",
        ],
        4,
    );
    for provider in &list.providers {
        table.add_row([
            match provider.naive == provider.tier {
                true => provider.tier.to_string(),
                false => format!("{} ({})", provider.tier, provider.naive),
            },
            provider.span.clone().unwrap_or_default(),
            since(provider.since, provider.previous),
            clean(&provider.name),
            adjusted(provider.adjusted),
            provider.low.map_or_else(
                || "-".into(),
                |low| format!("{} to {}", adjusted(Some(low)), adjusted(provider.high)),
            ),
            match provider.rank_low.zip(provider.rank_high) {
                Some((best, worst)) => format!("{best} to {worst}"),
                None => "-".into(),
            },
            likeliest(provider),
            mean(provider.traffic_mean),
            mean(provider.model_mean),
            provider.models.to_string(),
            format!("{:.1} B", provider.tokens_per_day / 1e9),
        ]);
    }
    let workload = list.workload.as_deref().map(|name| format!(", workload {name}")).unwrap_or_default();
    let mut text = format!(
        "lens {}{workload}, {} to {}, as of {}{}\n",
        list.lens,
        list.window.from,
        list.window.to,
        list.as_of.to_rfc3339(),
        if list.provisional { ", provisional" } else { "" }
    );
    if simulated {
        text.push_str(&format!("{SIMULATED}\n"));
    }
    if let Some(note) = &list.note {
        text.push_str(&format!("{note}\n"));
    }
    text.push_str(&table.to_string());
    if list.providers.iter().any(|provider| provider.naive != provider.tier) {
        text.push_str("\nIn brackets: the tier of this moment's figures alone; it has not lasted long enough to count yet.");
    }
    text.push_str(
        "\nagainst peers: adjusted, on the same models (tiers use this); traffic mean: by tokens, what its users got; \
         models mean: the plain average over its models",
    );
    let unrated = list.providers.iter().filter(|provider| provider.tier == Tier::Unrated);
    for provider in unrated {
        let reason = provider.reason.as_deref().unwrap_or("no reason is told");
        text.push_str(&format!("\nunrated: {}: {}", clean(&provider.name), clean(reason)));
    }
    text
}

/// The tier that most draws give, and how many of them: `A 62.0 %`.
fn likeliest(provider: &ProviderTier) -> String {
    let all = provider.tier_probabilities.iter().flatten();
    let most = all.max_by(|one, other| one.1.total_cmp(other.1));
    most.map_or_else(|| "-".into(), |(tier, share)| format!("{tier} {}", percent(Some(*share))))
}

/// "2026-08-03, before A".
fn since(since: Option<NaiveDate>, previous: Option<Tier>) -> String {
    let before = previous.map(|tier| format!(", before {tier}")).unwrap_or_default();
    since.map_or_else(|| "-".into(), |day| format!("{day}{before}"))
}

/// How often tiers change.
pub fn flips(report: &FlipReport) -> String {
    let header =
        ["lens", "of", "pairs", "published", "a step", "a day", "naive", "a step", "a day", "far off"];
    let mut table = table(&header, 2);
    for row in &report.lenses {
        for (of, flips) in [("providers", row.providers), ("endpoints", row.endpoints)] {
            table.add_row([
                row.lens.to_string(),
                of.to_owned(),
                flips.compared.to_string(),
                flips.published.to_string(),
                percent(flips.published_a_step),
                percent(flips.published_a_day),
                flips.naive.to_string(),
                percent(flips.naive_a_step),
                percent(flips.naive_a_day),
                flips.far.to_string(),
            ]);
        }
    }
    let range = match report.from.zip(report.to) {
        Some((from, to)) => format!("{} days with a run, {from} to {to}", report.days),
        None => "no day with a run".to_owned(),
    };
    let verdict = match report.holds {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "nothing to compare yet: it takes two days with a run",
    };
    format!(
        "{range}: tiers that differ from one such day to the next, of all pairs (a step) and of all days between them (a day); far off: published two letters or more from naive\n{table}\n{verdict}: asked for are changes on at most {:.0} % of the provider-days under cache and cost",
        FLIP_BOUND * 100.0
    )
}

/// How soon tiers follow the truth.
pub fn lag(report: &LagReport) -> String {
    let lags = |lag: Option<Lag>| {
        lag.map_or_else(
            || "not once".into(),
            |lag| {
                format!(
                    "after {} days in the median, {:.1} in the mean, {} at worst",
                    lag.median, lag.mean, lag.worst
                )
            },
        )
    };
    let mut table = table(&["seed", "provider", "true tier", "published, days", "naive, days"], 3);
    let days = |days: Option<i64>| days.map_or_else(|| "never".into(), |days| days.to_string());
    for one in &report.followed {
        table.add_row([
            one.seed.to_string(),
            clean(&one.provider),
            format!("{} to {}", one.from, one.to),
            days(one.published),
            days(one.naive),
        ]);
    }
    let share = |count: usize| {
        percent((report.provider_days > 0).then(|| count as f64 / report.provider_days as f64))
    };
    format!(
        "{} worlds from seed {}: days until the tier of a provider that lost 25 points was within a letter of the truth\n{table}\n\
         published {} ({} never); naive {} ({} never)\n\
         changes a provider-day: published {}, naive {}\n\
         two letters or more from the truth: published {}, naive {} of {} provider-days\n\
         plainly stale (published so far off and the day's figures not): {} provider-days, {}; the longest {} days running",
        report.seeds,
        report.first_seed,
        lags(report.published_days),
        report.published_never,
        lags(report.naive_days),
        report.naive_never,
        percent(report.flips.published_a_day),
        percent(report.flips.naive_a_day),
        share(report.published_far),
        share(report.naive_far),
        report.provider_days,
        report.stale,
        share(report.stale),
        report.longest_stale
    )
}

/// A model's endpoints.
pub fn model(model: &ModelEntry, workload: &str, simulated: bool) -> String {
    let header = [
        "tier",
        "endpoint",
        "by lens",
        "hit rate",
        "list in/read/out",
        "paid in",
        "session",
        "uptime",
        "tok/s",
        "flags",
    ];
    let mut table = table(&header, 3);
    for endpoint in &model.endpoints {
        let list = &endpoint.list;
        table.add_row([
            endpoint.tier.to_string(),
            clean(endpoint.tag.as_str()),
            by_lens(endpoint),
            percent(endpoint.hit_rate),
            format!("{} / {} / {}", fixed(list.input, 3), fixed(list.cache_read, 3), fixed(list.output, 2)),
            fixed(endpoint.effective.input, 3),
            endpoint.session_cost.get(workload).map_or_else(|| "-".into(), |cost| format!("${cost:.3}")),
            percent(endpoint.uptime_30m),
            fixed(endpoint.throughput, 0),
            names(&endpoint.flags),
        ]);
    }
    let mut text = format!(
        "{} ({}), prices USD per million tokens, session: {workload}\n",
        clean(&model.model_id),
        clean(&model.name)
    );
    if simulated {
        text.push_str(&format!("{SIMULATED}\n"));
    }
    let lenses = Lens::ALL.map(Lens::as_str).join(", ");
    text + &format!("{table}\nby lens: {lenses}; - is unrated") + &unrated(model) + &flags(model)
}

/// The tiers of an endpoint within its model, in the order of the lenses: `A B C S -`.
fn by_lens(endpoint: &Endpoint) -> String {
    let tier = |lens: Lens| match endpoint.verdicts.get(&lens).map(|verdict| verdict.tier) {
        None | Some(Tier::Unrated) => "-",
        Some(tier) => tier.as_str(),
    };
    Lens::ALL.map(tier).join(" ")
}

/// Why endpoints have no tier under a lens, the same reason said once.
fn unrated(model: &ModelEntry) -> String {
    let mut reasons: BTreeMap<(Lens, &str), Vec<&Endpoint>> = BTreeMap::new();
    for endpoint in &model.endpoints {
        for (lens, verdict) in endpoint.verdicts.iter().filter(|(_, verdict)| verdict.tier == Tier::Unrated) {
            reasons.entry((*lens, &verdict.why)).or_default().push(endpoint);
        }
    }
    let line = |((lens, why), endpoints): ((Lens, &str), Vec<&Endpoint>)| {
        let tags: Vec<String> = endpoints.iter().map(|endpoint| clean(endpoint.tag.as_str())).collect();
        let all = endpoints.len() == model.endpoints.len() && endpoints.len() > 1;
        let who = if all { "all of them".to_owned() } else { tags.join(", ") };
        format!("\nunrated under {lens}: {} ({who})", clean(why))
    };
    reasons.into_iter().map(line).collect()
}

/// The numbers behind the flags of a model's endpoints, one a line.
fn flags(model: &ModelEntry) -> String {
    let of = |endpoint: &Endpoint| {
        let tag = clean(endpoint.tag.as_str());
        endpoint
            .flags
            .iter()
            .map(move |flag| format!("\n{tag}: {}: {}", flag.kind(), flag.why()))
            .collect::<String>()
    };
    model.endpoints.iter().map(of).collect()
}

/// The acceptance numbers run by run.
pub fn numbers(runs: &[CheckedRun], aggregate_bound: f64, identity_bound: f64) -> String {
    let header = ["run", "", "models", "hit rate vs upstream", "endpoints", "identity error", "within 1 %"];
    let mut table = table(&header, 2);
    for run in runs {
        table.add_row([
            run.run_id.clone(),
            if run.holds { "ok".into() } else { "MISSED".to_owned() },
            run.models.to_string(),
            fixed(run.aggregate_difference, 6),
            run.endpoints.to_string(),
            run.identity_error.map_or_else(|| "-".into(), |error| format!("{:.4} %", error * 100.0)),
            percent(run.identity_within_one_percent),
        ]);
    }
    format!(
        "medians; bounds: {aggregate_bound} of hit rate, {:.2} % of price\n{table}",
        identity_bound * 100.0
    )
}

/// The targets of preferences.
pub fn targets(targets: &[Target]) -> String {
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
