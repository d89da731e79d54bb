//! `hitrate traffic plans`.

use super::own;
use super::words::clean_line;
use crate::cli::tables::{Column, Report, Table, clean, dash, name, number, text, thousands, usd};
use crate::cli::{Common, exit, model, workload};
use crate::domain::format::{self, counted};
use crate::snapshot::Snapshot;
use crate::store::OwnCall;
use crate::table::{Cell, columns, tsv};
use crate::traffic::catalogue::model_key;
use crate::traffic::worth::{
    Lifetimes, ListHistory, Measured, Plan, PlanReport, PlansReport, calls_of_workload, plans, read_plans,
    shipped_plans,
};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::path::{Path, PathBuf};

/// Notes on a plan that are printed without `--notes`.
const MOST_NOTES: usize = 2;
/// Most calls of a workload in thirty days.
const MOST_CALLS: f64 = 1e6;

/// Options of `hitrate traffic plans`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate traffic plans\n  \
hitrate traffic plans --plan opencode-go --from 2026-11-01\n  \
hitrate traffic plans --workload coding-agent --sessions-per-day 4 --model moonshotai/kimi-k2.6")]
pub struct PlansArgs {
    #[command(flatten)]
    which: own::Which,
    /// Only this plan.
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// File with your own plans, in the format of `data/plans.toml` in the source code [default: the setting
    /// `traffic.plans`].
    #[arg(long, value_name = "FILE")]
    plans: Option<PathBuf>,
    /// Compare for this workload instead of your traffic: the name of a workload, a workload file or a request log.
    #[arg(long, value_name = "WORKLOAD", requires_all = ["sessions_per_day", "model"], conflicts_with_all = ["from", "to"])]
    workload: Option<String>,
    /// Sessions of the workload a day.
    #[arg(long, value_name = "N", requires = "workload")]
    sessions_per_day: Option<f64>,
    /// Percentage of the plan's longest window that this traffic used, as the plan shows it; for plans that show only
    /// percentages.
    #[arg(long, value_name = "PERCENT", requires = "plan")]
    used_percent: Option<f64>,
    /// Print all notes on each plan, not only the most important ones.
    #[arg(long)]
    notes: bool,
}

/// Runs `hitrate traffic plans`.
pub fn run(common: &Common, args: &PlansArgs) -> Result<u8> {
    let known = known(common, args)?;
    let measured = args.used_percent.map(|percent| Measured { percent });
    ensure!(
        measured.is_none_or(|one| one.percent.is_finite() && one.percent > 0.0),
        "--used-percent must be above 0: without any use, nothing follows"
    );
    let snapshot = common.snapshot()?;
    let (calls, lists) = match &args.workload {
        Some(wanted) => (of_workload(common, &snapshot, args, wanted)?, ListHistory::default()),
        None => {
            let calls = own::calls(common, &snapshot, &args.which)?;
            let lists = own::record(common, &snapshot, &calls)?.lists;
            (calls, lists)
        }
    };
    let report = plans(&calls, &snapshot, &lists, &Lifetimes::shipped()?, &known, measured);
    common.report(&report, || describe(&report, snapshot.simulated, args.notes))?;
    Ok(exit::OK)
}

/// The shipped plans and the user's own; of these only the requested one.
fn known(common: &Common, args: &PlansArgs) -> Result<Vec<Plan>> {
    let mut all = shipped_plans()?;
    let setting = common.settings()?.traffic.plans;
    let file = match (&args.plans, setting.trim()) {
        (Some(file), _) => Some(file.clone()),
        (None, "") => None,
        (None, setting) => Some(common.data().path().join(setting)),
    };
    if let Some(file) = file {
        all.extend(own_plans(&file, &all)?);
    }
    if let Some(name) = &args.plan {
        let names: Vec<String> = all.iter().map(|plan| plan.name.clone()).collect();
        all.retain(|plan| plan.name == *name);
        if all.is_empty() {
            let short: String = name.chars().take(60).collect();
            bail!("unknown plan `{}`: one of {}", clean(&short), names.join(", "));
        }
    }
    Ok(all)
}

fn own_plans(file: &Path, shipped: &[Plan]) -> Result<Vec<Plan>> {
    let path = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the plans in {path}"))?;
    let own = read_plans(&text, &path)?;
    if let Some(plan) = own.iter().find(|plan| shipped.iter().any(|one| one.name == plan.name)) {
        bail!(
            "{path}: plan `{}` has the name of a plan that ships with the program; choose another name",
            plan.name
        );
    }
    Ok(own)
}

/// The calls of a workload.
fn of_workload(common: &Common, snapshot: &Snapshot, args: &PlansArgs, wanted: &str) -> Result<Vec<OwnCall>> {
    let chosen = workload::choose(common, snapshot, Some(wanted))?;
    let name = args.which.model.as_deref().context("--workload needs --model")?;
    let model = model::find(snapshot, name)?;
    let per_day = args.sessions_per_day.context("--workload needs --sessions-per-day")?;
    ensure!(per_day.is_finite() && per_day > 0.0, "--sessions-per-day must be a number above 0");
    let calls = per_day * 30.0 * f64::from(chosen.workload.turns);
    ensure!(
        calls <= MOST_CALLS,
        "--sessions-per-day {per_day}: {calls:.0} calls in 30 days are more than {MOST_CALLS:.0}; choose a lower number"
    );
    ensure!(
        per_day * 30.0 >= 1.0,
        "--sessions-per-day {per_day}: less than one session in 30 days; choose a higher number"
    );
    Ok(calls_of_workload(&chosen.workload, model_key(model), per_day, snapshot.as_of))
}

columns!(PlanReport, |row| {
    "plan": Cell::text(&row.plan.name),
    "usd_month": Cell::Number(Some(row.plan.usd_month)),
    "metered_best_usd_month": Cell::Number(row.metered_best_usd_month),
    "present_usd_month": Cell::Number(row.present_usd_month),
    "with_plan_usd_month": Cell::Number(row.with_plan_usd_month),
    "saving_usd_month": Cell::Number(row.saving_usd_month),
    "refused_share": Cell::Number(row.fit.as_ref().and_then(|fit| fit.refused_share)),
    "offered_calls": Cell::Number(Some(row.offered_calls as f64)),
    "break_even_calls_month": Cell::Number(row.break_even.map(|at| at.calls_month)),
    "break_even_tokens_month": Cell::Number(row.break_even.map(|at| at.tokens_month)),
    "break_even_days": Cell::Number(row.break_even.map(|at| at.days)),
});

fn describe(report: &PlansReport, simulated: bool, all_notes: bool) -> Report {
    const COLUMNS: [Column; 8] = [
        name("plan", 1),
        number("a month", 1),
        number("best hosts", 1),
        number("present hosts", 4),
        number("with the plan", 2),
        number("refused", 2),
        number("calls", 5),
        text("break-even", 3),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&report.plans));
    for row in &report.plans {
        let refused = row.fit.as_ref().and_then(|fit| fit.refused_share);
        table.row([
            row.plan.title.clone(),
            usd(row.plan.usd_month),
            dash(row.metered_best_usd_month, usd),
            dash(row.present_usd_month, usd),
            dash(row.with_plan_usd_month, usd),
            dash(refused, |share| format::percent(share, 0)),
            row.offered_calls.to_string(),
            dash(row.break_even, |at| {
                format!(
                    "{} calls or {} tokens a month, {:.0} days",
                    thousands(at.calls_month),
                    thousands(at.tokens_month),
                    at.days
                )
            }),
        ]);
    }
    let heading = match (report.from, report.to) {
        (Some(from), Some(to)) => {
            format!("{} from {from} to {to}, USD a month", counted(report.calls as u64, "call"))
        }
        _ => "There are no calls with a time and known tokens; import a log, or name a workload.".to_owned(),
    };
    let mut lines: Vec<String> = Vec::new();
    let mut hidden = 0;
    for row in &report.plans {
        let notes = notes_of(row);
        let shown = if all_notes { notes.len() } else { notes.len().min(MOST_NOTES) };
        hidden += notes.len() - shown;
        if shown > 0 {
            lines.push(format!("{}:", clean(&row.plan.title)));
            lines.extend(notes[..shown].iter().map(|note| format!("  {}", clean_line(note))));
        }
    }
    if hidden > 0 {
        lines.push(format!("{} with --notes.", counted(hidden as u64, "more note")));
    }
    let left = report.left_out.calls() + report.undated;
    if left > 0 {
        lines.push(format!("Left out of all plans: {}.", own::left_out(&report.left_out, report.undated)));
    }
    Report::default().text(heading).simulated(simulated).table(table).text(lines.join("\n"))
}

/// What to know about a plan, the most important first: the calls that it does not cover, by reason, then its caveats.
fn notes_of(row: &PlanReport) -> Vec<String> {
    let mut reasons: Vec<(&str, usize, Vec<&str>)> = Vec::new();
    for one in &row.excluded {
        match reasons.iter_mut().find(|(why, ..)| *why == one.why) {
            Some((_, calls, models)) => {
                *calls += one.calls;
                models.push(&one.model_id);
            }
            None => reasons.push((&one.why, one.calls, vec![&one.model_id])),
        }
    }
    let excluded = reasons.into_iter().map(|(why, calls, models)| {
        format!("left out: {} of {}: {why}", counted(calls as u64, "call"), own::names(models.into_iter()))
    });
    excluded.chain(row.notes.iter().cloned()).collect()
}
