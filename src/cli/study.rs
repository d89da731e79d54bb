//! `hitrate study`: checks the method on simulated worlds with a known truth and on the record.

mod markdown;
mod preferences;
mod sensitivity;
mod shifts;

use super::tables::{Column, Report, Table, fixed, name, number, percent, text};
use super::{Common, exit, progress, running};
use crate::analysis::flips::{FLIP_BOUND, FlipReport, Flips};
use crate::domain::format;
use crate::domain::thresholds::EFFECT_RIDGE;
use crate::domain::tier::Lens;
use crate::pipeline::{flips as count_flips, sensitivity as measure_sensitivity};
use crate::study::coverage::{
    COVERAGE_BOUNDS, CoverageReport, CoverageStudy, Group, SPEARMAN_BOUND, run as study,
};
use crate::study::lag::{Followed, Lag, LagReport, LagStudy, run as follow};
use crate::table::{Cell, columns, tsv};
use anyhow::{Result, ensure};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use preferences::PreferencesArgs;
use shifts::ShiftsArgs;

/// Arguments of `study`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate study coverage --seeds 20\n  \
hitrate study flips --from 2026-07-24")]
pub struct StudyArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Measure how often the 90 % intervals contain the truth, and how well the ranking matches it.
    #[command(after_help = "Examples:\n  \
hitrate study coverage --seeds 200\n  \
hitrate study coverage --markdown")]
    Coverage(CoverageArgs),
    /// Count how often the tiers of the collected record change from day to day and how far they are off a week later,
    /// with and without hysteresis.
    #[command(after_help = "Example:\n  \
hitrate study flips --from 2026-07-24")]
    Flips(FlipsArgs),
    /// Measure how soon the published tier follows a provider that gets worse, on simulated worlds.
    #[command(after_help = "Example:\n  \
hitrate study lag --seeds 20")]
    Lag(LagArgs),
    /// Charge the preferences of each recorded day the prices of the day after and of a week later, and count how often
    /// the intervals of savings and expected costs contain what was paid.
    #[command(after_help = "Examples:\n  \
hitrate study preferences\n  \
hitrate study preferences --from 2026-07-24 --workload coding-agent")]
    Preferences(PreferencesArgs),
    /// Measure how far the effects of the providers depend on the weights of the cells and on the size of the prompts,
    /// over the newest lens window of the collected record.
    #[command(after_help = "Example:\n  \
hitrate study sensitivity --wide")]
    Sensitivity(Output),
    /// Measure how many shifts of known size the change-point method finds within two days and how often it reports one
    /// that did not happen, on simulated worlds.
    #[command(after_help = "Examples:\n  \
hitrate study shifts --seeds 5\n  \
hitrate study shifts --observed --restless")]
    Shifts(ShiftsArgs),
}

#[derive(Debug, Args)]
struct Output {
    /// Print the result as a Markdown table, as docs/evidence.md contains it.
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

#[derive(Debug, Args)]
struct FlipsArgs {
    /// First day to count, UTC [default: the first day of the record]. Windows of the first six days are not full yet.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last day to count, UTC, inclusive [default: the last day of the record].
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct LagArgs {
    /// Number of simulated worlds.
    #[arg(long, default_value_t = 20, value_name = "N")]
    seeds: u64,
    /// Seed of the first world.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    first_seed: u64,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct CoverageArgs {
    /// Number of simulated worlds.
    #[arg(long, default_value_t = 200, value_name = "N")]
    seeds: u64,
    /// Seed of the first world.
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    first_seed: u64,
    /// Ridge on the provider effects [default: the one that the published tiers use].
    #[arg(long, value_name = "R")]
    ridge: Option<f64>,
    #[command(flatten)]
    output: Output,
}

/// Runs a study; exit code 1 if a figure misses its bound.
pub fn run(common: &Common, args: &StudyArgs) -> Result<u8> {
    match &args.what {
        What::Coverage(args) => coverage(common, args),
        What::Flips(args) => flips(common, args),
        What::Lag(args) => lag(common, args),
        What::Preferences(args) => preferences(common, args),
        What::Sensitivity(output) => sensitivity(common, output),
        What::Shifts(args) => shifts::run(common, args),
    }
}

/// Prints a report as JSON, as Markdown or for the terminal.
fn print<T: serde::Serialize>(
    common: &Common,
    output: &Output,
    report: &T,
    markdown: impl Fn(&T) -> String,
    text: impl Fn(&T) -> Report,
) -> Result<()> {
    match output.markdown {
        // Not a text for people: its lines must not be wrapped.
        true => common.print(report, || markdown(report)),
        false => common.report(report, || text(report)),
    }
}

fn coverage(common: &Common, args: &CoverageArgs) -> Result<u8> {
    let ridge = args.ridge.unwrap_or(EFFECT_RIDGE);
    ensure!(ridge.is_finite() && ridge >= 0.0, "invalid ridge {ridge}; expected a number of at least 0");
    let bar = progress(usize::try_from(args.seeds)?, "worlds");
    let asked = CoverageStudy { first_seed: args.first_seed, seeds: args.seeds, ridge };
    let report = study(&asked, &|| bar.inc(1))?;
    bar.finish_and_clear();
    print(common, &args.output, &report, markdown::coverage, describe_coverage)?;
    Ok(if report.holds { exit::OK } else { exit::ERROR })
}

/// Counts over the store, through the running server if one holds it.
fn flips(common: &Common, args: &FlipsArgs) -> Result<u8> {
    let days = (args.from, args.to);
    if let Some((from, to)) = args.from.zip(args.to) {
        ensure!(from <= to, "--from {from} is after --to {to}");
    }
    let path = format!("/local/flips?{}", bounds(days));
    let report = running::read_or_ask(common, ("a count of changes", &path), |store| {
        Ok(count_flips(store, &common.settings()?.workloads(common.data().path())?, days)?)
    })?;
    ensure!(
        report.days > 0,
        "nothing to count: the record has no day with a run on these days; change --from and --to"
    );
    print(common, &args.output, &report, markdown::flips, describe_flips)?;
    Ok(if report.holds == Some(false) { exit::ERROR } else { exit::OK })
}

/// The days as parameters of a path on the running server.
fn bounds((from, to): (Option<NaiveDate>, Option<NaiveDate>)) -> String {
    let bound = |name: &str, day: NaiveDate| format!("&{name}={day}");
    [from.map(|day| bound("from", day)), to.map(|day| bound("to", day))].into_iter().flatten().collect()
}

fn lag(common: &Common, args: &LagArgs) -> Result<u8> {
    let bar = progress(usize::try_from(args.seeds)?, "worlds");
    let report = follow(&LagStudy::of_recorded_size(args.first_seed, args.seeds), &|| bar.inc(1))?;
    bar.finish_and_clear();
    print(common, &args.output, &report, markdown::lag, describe_lag)?;
    Ok(exit::OK)
}

fn preferences(common: &Common, args: &PreferencesArgs) -> Result<u8> {
    let report = preferences::report(common, args)?;
    print(common, &args.output, &report, markdown::preferences, preferences::describe)?;
    Ok(if report.holds == Some(false) { exit::ERROR } else { exit::OK })
}

/// Solves over the store, through the running server if one holds it.
fn sensitivity(common: &Common, output: &Output) -> Result<u8> {
    let report = running::read_or_ask(common, ("a study of the effects", "/local/sensitivity"), |store| {
        Ok(measure_sensitivity(store, &common.settings()?.workloads(common.data().path())?)?)
    })?;
    print(common, output, &report, markdown::sensitivity, sensitivity::describe)?;
    Ok(exit::OK)
}

fn describe_coverage(report: &CoverageReport) -> Report {
    let number = |value| fixed(value, 3);
    let percent = |value: Option<f64>| fixed(value.map(|value| value * 100.0), 1);
    let group = |name: &str, group: &Group| {
        format!(
            "{name}: {} % of {} intervals contain the truth, mean half-width {} points\n",
            percent(group.coverage),
            group.intervals,
            percent(group.half_width)
        )
    };
    Report::default().text(format!(
        "{} worlds from seed {}, ridge {}\n{}{}rank correlation with the truth: adjusted {} (worst {}), plain mean over models {} (worst {})\n{}: the target is {:.0} to {:.0} % for both groups and a mean rank correlation of {SPEARMAN_BOUND}",
        report.seeds,
        report.first_seed,
        report.ridge,
        group("all providers", &report.all),
        group("thin providers (3 or 4 shared models)", &report.thin),
        number(report.adjusted.mean),
        number(report.adjusted.worst),
        number(report.model_mean.mean),
        number(report.model_mean.worst),
        if report.holds { "holds" } else { "does not hold" },
        COVERAGE_BOUNDS.0 * 100.0,
        COVERAGE_BOUNDS.1 * 100.0,
    ))
}

/// A distance on the additive scale of a lens.
fn distance(lens: Lens, value: f64) -> String {
    match lens {
        Lens::Cache => format!("{:.1} points", value * 100.0),
        Lens::Cost => format::percent(value.exp_m1(), 1),
        Lens::Reliability | Lens::Speed | Lens::Overall => format!("{value:.2}"),
    }
}

/// The lens and the figures of its providers, and of its endpoints.
fn flip_rows(report: &FlipReport) -> impl Iterator<Item = [String; 14]> {
    report.lenses.iter().flat_map(|row| {
        let (in_order, unknown) = (row.wrong_pairs.to_string(), "-".to_owned());
        let both = [("providers", row.providers, in_order), ("endpoints", row.endpoints, unknown)];
        both.map(|(of, flips, wrong_pairs)| {
            [
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
                fixed(flips.published_week_error, 3),
                fixed(flips.naive_week_error, 3),
                wrong_pairs,
                distance(row.lens, flips.largest_held),
            ]
        })
    })
}

/// The figures of the providers or of the endpoints under a lens.
struct FlipLine {
    lens: Lens,
    of: &'static str,
    flips: Flips,
    wrong_pairs: Option<usize>,
}

columns!(FlipLine, |row| {
    "lens": Cell::text(row.lens),
    "of": Cell::text(row.of),
    "pairs": Cell::count(row.flips.compared),
    "published": Cell::count(row.flips.published),
    "published_a_step": Cell::Number(row.flips.published_a_step),
    "published_a_day": Cell::Number(row.flips.published_a_day),
    "naive": Cell::count(row.flips.naive),
    "naive_a_step": Cell::Number(row.flips.naive_a_step),
    "naive_a_day": Cell::Number(row.flips.naive_a_day),
    "far": Cell::count(row.flips.far),
    "published_week_error": Cell::Number(row.flips.published_week_error),
    "naive_week_error": Cell::Number(row.flips.naive_week_error),
    "wrong_pairs": Cell::Whole(row.wrong_pairs.and_then(|pairs| i64::try_from(pairs).ok())),
    "largest_held": Cell::Number(Some(row.flips.largest_held)),
});

fn flip_lines(report: &FlipReport) -> impl Iterator<Item = FlipLine> {
    report.lenses.iter().flat_map(|row| {
        let of = |of, flips, wrong_pairs| FlipLine { lens: row.lens, of, flips, wrong_pairs };
        [of("providers", row.providers, Some(row.wrong_pairs)), of("endpoints", row.endpoints, None)]
    })
}

/// How often tiers change.
fn describe_flips(report: &FlipReport) -> Report {
    const COLUMNS: [Column; 14] = [
        text("lens", 1),
        text("of", 1),
        number("pairs", 3),
        number("published", 2),
        number("per step", 4),
        number("per day", 1),
        number("naive", 5),
        number("per step", 6),
        number("per day", 3),
        number("far off", 5),
        number("error in a week", 7),
        number("naive", 8),
        number("wrong pairs", 2),
        number("held by up to", 6),
    ];
    let mut table = Table::new(&COLUMNS, tsv(flip_lines(report)));
    table.rows(flip_rows(report));
    let range = report.from.zip(report.to).map_or_else(String::new, |(from, to)| format!(", {from} to {to}"));
    let verdict = match report.holds {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "nothing to compare yet: at least two days with a run are needed",
    };
    let heading = format!(
        "{} days with a run{range}: tiers that differ from one such day to the next, as a share of all pairs (per step) and of all days between them (per day); far off: the published tier is two or more letters off the naive tier; error in a week: mean letters between a tier and the naive tier seven days later; held by up to: the largest distance between the printed figure and the measured one",
        report.days
    );
    Report::default().text(heading).table(table).text(format!(
        "{verdict}: the target is changes on at most {} of the provider-days under cache and cost, and no pair of providers in the wrong order",
        format::percent(FLIP_BOUND, 0)
    ))
}

columns!(Followed, |row| {
    "seed": Cell::text(row.seed),
    "provider": Cell::text(&row.provider),
    "from": Cell::tier(row.from),
    "to": Cell::tier(row.to),
    "published": Cell::Whole(row.published),
    "naive": Cell::Whole(row.naive),
});

/// How soon tiers follow the truth.
fn describe_lag(report: &LagReport) -> Report {
    let lags = |lag: Option<Lag>| {
        lag.map_or_else(
            || "never".into(),
            |lag| {
                format!(
                    "after a median of {} days, a mean of {:.1} and at most {}",
                    lag.median, lag.mean, lag.worst
                )
            },
        )
    };
    const COLUMNS: [Column; 5] = [
        number("seed", 2),
        name("provider", 1),
        text("true tier", 1),
        number("published, days", 1),
        number("naive, days", 2),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&report.followed));
    let days = |days: Option<i64>| days.map_or_else(|| "never".into(), |days| days.to_string());
    for one in &report.followed {
        table.row([
            one.seed.to_string(),
            one.provider.clone(),
            format!("{} to {}", one.from, one.to),
            days(one.published),
            days(one.naive),
        ]);
    }
    let share = |count: usize| {
        percent((report.provider_days > 0).then(|| count as f64 / report.provider_days as f64))
    };
    let heading = format!(
        "{} worlds from seed {}: days until the tier of a provider that lost 25 points was within a letter of the truth",
        report.seeds, report.first_seed
    );
    Report::default().text(heading).table(table).text(format!(
        "published {} ({} never); naive {} ({} never)\n\
         changes per provider-day: published {}, naive {}\n\
         two or more letters off the truth: published {}, naive {} of {} provider-days\n\
         stale (the published tier is two or more letters off while the day's figures are not): {} provider-days, {}; longest streak: {} days",
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
    ))
}
