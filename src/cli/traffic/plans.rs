//! `hitrate traffic plans`.

use super::notes::{Notes, counted, left_out, names};
use super::own;
use crate::cli::tables::{Column, Report, Table, clean, dash, line, name, number, thousands, usd};
use crate::cli::{Common, exit, model, workload};
use crate::domain::format::{self, grouped};
use crate::snapshot::Snapshot;
use crate::store::OwnCall;
use crate::table::{Cell, columns, tsv};
use crate::traffic::catalogue::model_key;
use crate::traffic::worth::{
    Excluded, Lifetimes, ListHistory, Measured, Plan, PlanReport, PlansReport, calls_of_workload, plans,
    read_plans, shipped_plans,
};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use std::path::{Path, PathBuf};

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
    common.report(&report, || describe(&report, snapshot.simulated))?;
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
    let text = crate::config::read_text(file).with_context(|| format!("cannot read the plans in {path}"))?;
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

fn describe(report: &PlansReport, simulated: bool) -> Report {
    const COLUMNS: [Column; 10] = [
        name("plan", 1),
        number("a month", 1),
        number("best hosts", 1),
        number("with the plan", 2),
        number("saving", 1),
        number("calls", 2),
        number("refused", 3),
        number("break-even calls", 4),
        number("break-even tokens", 5),
        number("present hosts", 6),
    ];
    let mut table = Table::new(&COLUMNS, tsv(&report.plans));
    for row in &report.plans {
        let refused = row.fit.as_ref().and_then(|fit| fit.refused_share).filter(|_| row.offered_calls > 0);
        table.row([
            row.plan.title.clone(),
            usd(row.plan.usd_month),
            dash(row.metered_best_usd_month, usd),
            dash(row.with_plan_usd_month, usd),
            dash(row.saving_usd_month, usd),
            grouped(row.offered_calls as u64),
            dash(refused, |share| format::percent(share, 0)),
            dash(row.break_even, |at| thousands(at.calls_month)),
            dash(row.break_even, |at| thousands(at.tokens_month)),
            dash(row.present_usd_month, usd),
        ]);
    }
    let heading = match (report.from, report.to) {
        (Some(from), Some(to)) => {
            let calls = counted(report.calls, "call", "calls");
            format!("{calls} from {from} to {to}, USD a month\n{}", answer(report))
        }
        _ => "There are no calls with a time and known tokens; import a log, or name a workload.".to_owned(),
    };
    Report::default().text(heading).simulated(simulated).table(table).text(after(report).join("\n"))
}

/// Whether a plan saves money, in a sentence.
fn answer(report: &PlansReport) -> String {
    let saving = |row: &&PlanReport| row.saving_usd_month.unwrap_or(f64::NEG_INFINITY);
    let best = report.plans.iter().max_by(|a, b| saving(a).total_cmp(&saving(b)));
    let widest = report.plans.iter().max_by_key(|row| row.offered_calls);
    let of = |row: &PlanReport| match row.offered_calls {
        calls if calls == report.calls => String::new(),
        calls => format!(" for {} of the calls", grouped(calls as u64)),
    };
    match (best, widest) {
        (Some(row), _) if row.saving_usd_month.is_some_and(|saved| saved > 0.0) => format!(
            "{} saves most: {} with the plan instead of {} at the best hosts{}.",
            clean(&row.plan.title),
            dash(row.with_plan_usd_month, usd),
            dash(row.metered_best_usd_month, usd),
            of(row)
        ),
        (_, Some(row)) if row.offered_calls > 0 => format!(
            "No plan whose limits are known saves anything: the best hosts cost {}{}.",
            dash(row.metered_best_usd_month, usd),
            of(row)
        ),
        _ => "No plan is known to offer the models of these calls.".to_owned(),
    }
}

/// What follows the table.
fn after(report: &PlansReport) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Plans often leave out the same calls for the same reason.
    let mut excluded: Vec<(&str, Vec<&Excluded>, Vec<&str>)> = Vec::new();
    for row in &report.plans {
        let mut reasons: Vec<&str> = row.excluded.iter().map(|one| one.why.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        for why in reasons {
            let calls: Vec<&Excluded> = row.excluded.iter().filter(|one| one.why == why).collect();
            match excluded.iter_mut().find(|(known, of, _)| *known == why && *of == calls) {
                Some((.., plans)) => plans.push(&row.plan.title),
                None => excluded.push((why, calls, vec![row.plan.title.as_str()])),
            }
        }
    }
    lines.extend(excluded.iter().map(|(why, calls, plans)| {
        let models: Vec<&str> = calls.iter().map(|one| one.model_id.as_str()).collect();
        let count: usize = calls.iter().map(|one| one.calls).sum();
        let calls = counted(count, "call is", "calls are");
        format!("{}: {calls} left out, {} ({}).", names(plans), line(why), names(&models))
    }));
    lines.extend(left_out(&report.left_out, report.undated));
    let mut notes = Notes::default();
    for row in report.plans.iter().filter(|row| row.offered_calls > 0) {
        row.notes.iter().for_each(|note| notes.add(note, Some(&row.plan.title)));
    }
    lines.extend(notes.lines());
    lines
}
