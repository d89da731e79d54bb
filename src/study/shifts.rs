//! Shift study: how many shifts of known size the change-point method finds within two days, and how often it reports
//! one that did not happen.
//!
//! Each seed generates a world in which some endpoints shift once. It is read once an hour, and the method runs at the
//! end of each day with what was read until then, as in the live service.

use super::coverage::StudyError;
use crate::analysis::shifts::{Background, Readings, detect};
use crate::domain::hourly::{Cumulative, Stretch, difference_of_tokens};
use crate::domain::shift::Shift;
use crate::domain::statistics::median;
use crate::domain::thresholds::{SHIFT_HOUR_MIN_TOKENS, SHIFT_WINDOW_DAYS};
use crate::domain::window::{WindowKind, midnight};
use crate::simulator::{EndpointShifts, EndpointTruth, EventKind, Habits, Simulator, SimulatorConfig};
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use serde::Serialize;

/// Sizes of the shifts, fractions of hit rate.
pub const SIZES: [f64; 4] = [0.10, 0.15, 0.20, 0.30];

/// The size for which the recall has a bound.
pub const BOUNDED_SIZE: f64 = 0.15;

/// Requirement of the study: at least this share of the shifts of [`BOUNDED_SIZE`] is reported within two days.
pub const RECALL_BOUND: f64 = 0.9;

/// Requirement of the study: at most this many false alarms in 1,000 endpoint-days.
pub const FALSE_ALARM_BOUND: f64 = 1.0;

/// A shift reported within this time of its start is in time.
const IN_TIME_HOURS: i64 = 48;

/// A reported shift is the true one if it begins within this time of it.
const SAME_HOURS: i64 = 24;

/// A level that moved by less than this did not shift.
const MOVED: f64 = 0.05;

/// Minute of the hour at which a run begins.
const MINUTE: i64 = 57;

/// Days of the worlds.
const DAYS: u32 = 18;

/// One endpoint in this many shifts.
const ONE_IN: usize = 8;

/// Parameters of the study.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftStudy {
    /// First seed; the others are consecutive.
    pub first_seed: u64,
    /// Number of worlds.
    pub seeds: u64,
    /// Shape of the worlds; the study sets the seed.
    pub world: SimulatorConfig,
}

impl ShiftStudy {
    /// A study of this many worlds of the size of the recorded market. With `observed`, bodies are cached and a sweep
    /// takes minutes. With `restless`, levels also change from day to day as in recorded cells.
    pub fn of_recorded_size(first_seed: u64, seeds: u64, observed: bool, restless: bool) -> Self {
        let start = SimulatorConfig::default().start;
        let world = SimulatorConfig::recorded_size(first_seed, start, DAYS);
        let shifts = EndpointShifts {
            endpoints: world.endpoints / ONE_IN,
            sizes: SIZES.to_vec(),
            is_steady: !restless,
        };
        let habits = if observed { Habits::observed() } else { Habits::exact() };
        let world = SimulatorConfig { shifts: Some(shifts), habits, ..world };
        Self { first_seed, seeds, world }
    }
}

/// The shifts of one size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct SizeRow {
    /// Size, a fraction of hit rate.
    pub size: f64,
    /// Number of shifts of this size.
    pub planned: usize,
    /// Of these, reported within two days.
    pub in_time: usize,
    /// Of these, reported later.
    pub later: usize,
    /// Share that was reported within two days; null without shifts.
    pub recall: Option<f64>,
}

/// Results of the study.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ShiftReport {
    /// First seed.
    pub first_seed: u64,
    /// Number of worlds.
    pub seeds: u64,
    /// Recall by size.
    pub sizes: Vec<SizeRow>,
    /// Median time from a shift to its report, hours; null if none was reported.
    pub median_delay_hours: Option<f64>,
    /// Median distance of the reported start from the true one, hours; null if none was reported.
    pub median_error_hours: Option<f64>,
    /// Number of endpoint-days that were examined.
    pub endpoint_days: usize,
    /// Reported shifts that were not planned.
    pub unplanned: usize,
    /// Of these, reported although the level of the endpoint's days moved by less than 5 points. Without slow changes of
    /// the levels, these are all of them.
    pub false_alarms: usize,
    /// The same in 1,000 endpoint-days; null without endpoint-days.
    pub false_alarms_per_1000: Option<f64>,
    /// Whether the recall of 15-point shifts and the false alarms are within their bounds.
    pub holds: bool,
}

/// Runs the study; `done` is called after each world.
///
/// # Errors
/// [`StudyError`]: no seeds, or the first world that fails.
pub fn run(study: &ShiftStudy, done: &(dyn Fn() + Sync)) -> Result<ShiftReport, StudyError> {
    let worlds = super::worlds((study.first_seed, study.seeds), done, |seed| world(seed, &study.world))?;
    Ok(report(study, &worlds))
}

/// A shift that happened, and when it was reported.
struct Planned {
    size: f64,
    /// Hours from the shift to its report, and from its start to the reported start.
    reported: Option<(i64, i64)>,
}

#[derive(Default)]
struct World {
    planned: Vec<Planned>,
    endpoint_days: usize,
    unplanned: usize,
    false_alarms: usize,
}

fn world(seed: u64, shape: &SimulatorConfig) -> Result<World, StudyError> {
    let simulator = Simulator::new(SimulatorConfig { seed, ..shape.clone() })?;
    let endpoints = simulator.truth().endpoints();
    let first = simulator.config().start.date_naive();
    let (mut rows, mut background, mut world) = (Vec::new(), Background::default(), World::default());
    let mut found: Vec<(NaiveDate, Shift)> = Vec::new();
    for day in first.iter_days().take(usize::try_from(simulator.config().days).unwrap_or(0)) {
        let oldest = midnight(day - Days::new(SHIFT_WINDOW_DAYS.unsigned_abs() - 1));
        rows.retain(|(_, stretch): &(i64, Stretch)| stretch.start >= oldest);
        rows.extend(readings(&simulator, &endpoints, day));
        let of_day = detect(&Readings::of_stretches(&rows)?, &background, day)?;
        world.endpoint_days += of_day.examined;
        for shift in of_day.shifts {
            background.reported.insert((shift.endpoint, shift.field), shift.from);
            found.push((day, shift));
        }
    }
    compare(&simulator, &endpoints, found, &mut world);
    Ok(world)
}

/// The hourly rates of a day, as the record of an hourly collection has them.
fn readings(simulator: &Simulator, endpoints: &[EndpointTruth], day: NaiveDate) -> Vec<(i64, Stretch)> {
    let (truth, start) = (simulator.truth(), midnight(day));
    let habits = &simulator.config().habits;
    let sweep_ms = habits.sweep.num_milliseconds() / i64::try_from(endpoints.len().max(1)).unwrap_or(1);
    let mut rows = Vec::new();
    for (number, endpoint) in (0_i64..).zip(endpoints) {
        let mut before: Option<Cumulative> = None;
        for hour in 0..24 {
            let at =
                start + Duration::minutes(hour * 60 + MINUTE) + Duration::milliseconds(sweep_ms * number);
            let window = truth.usage_window(&endpoint.model, endpoint.variant, at);
            // A body of another day says nothing about this one.
            let Some((_, to)) = window.filter(|(from, to)| *from == start && to > from) else { continue };
            let Some(counters) = truth.counters(endpoint.id, start, to) else { continue };
            let now = Cumulative {
                endpoint: endpoint.id,
                kind: WindowKind::DayToDate,
                at: to,
                hit_rate: counters.hit_rate(),
                tokens: i64::try_from(counters.tokens()).unwrap_or(i64::MAX),
            };
            let rate = difference_of_tokens(before.as_ref(), &now, SHIFT_HOUR_MIN_TOKENS);
            rows.extend(rate.ok().map(|stretch| (number, stretch)));
            before = Some(now);
        }
    }
    rows
}

fn compare(
    simulator: &Simulator,
    endpoints: &[EndpointTruth],
    found: Vec<(NaiveDate, Shift)>,
    world: &mut World,
) {
    let truth = simulator.truth();
    let mut open: Vec<Option<(NaiveDate, Shift)>> = found.into_iter().map(Some).collect();
    for event in truth.events() {
        let (EventKind::EndpointShift { by }, Some(id)) = (&event.kind, event.endpoint) else { continue };
        let is_it = |one: &Option<(NaiveDate, Shift)>| {
            one.as_ref().is_some_and(|(_, shift)| {
                owner(endpoints, shift).is_some_and(|endpoint| endpoint.id == id)
                    && (shift.after - shift.before) * by > 0.0
                    && (shift.from - event.at).num_hours().abs() <= SAME_HOURS
            })
        };
        let matched = open.iter().position(is_it).and_then(|at| open[at].take());
        let reported = matched.map(|(day, shift)| {
            let known = midnight(day) + Duration::days(1);
            ((known - event.at).num_hours(), (shift.from - event.at).num_hours().abs())
        });
        world.planned.push(Planned { size: by.abs(), reported });
    }
    for (_, shift) in open.into_iter().flatten() {
        world.unplanned += 1;
        let moved = owner(endpoints, &shift).and_then(|endpoint| moved(simulator, endpoint, shift.from));
        world.false_alarms += usize::from(moved.is_none_or(|moved| moved.abs() < MOVED));
    }
}

fn owner<'a>(endpoints: &'a [EndpointTruth], shift: &Shift) -> Option<&'a EndpointTruth> {
    endpoints.get(usize::try_from(shift.endpoint).ok()?)
}

/// How far the true level moved: the day of the reported start and the next against the three days before.
fn moved(simulator: &Simulator, endpoint: &EndpointTruth, from: DateTime<Utc>) -> Option<f64> {
    let day = from.date_naive();
    let mean = |days: &[NaiveDate]| -> Option<f64> {
        let levels: Option<Vec<f64>> =
            days.iter().map(|day| simulator.truth().day_level(endpoint.id, *day)).collect();
        levels.map(|levels| levels.iter().sum::<f64>() / levels.len() as f64)
    };
    let before: Vec<NaiveDate> = (1..=3).map(|back| day - Days::new(back)).collect();
    Some(mean(&[day, day + Days::new(1)])? - mean(&before)?)
}

fn report(study: &ShiftStudy, worlds: &[World]) -> ShiftReport {
    let planned: Vec<&Planned> = worlds.iter().flat_map(|world| &world.planned).collect();
    let sizes = study.world.shifts.as_ref().map_or(&[][..], |shifts| &shifts.sizes);
    let sizes: Vec<SizeRow> = sizes.iter().map(|size| row(*size, &planned)).collect();
    let sum = |of: fn(&World) -> usize| worlds.iter().map(of).sum::<usize>();
    let (endpoint_days, false_alarms) = (sum(|world| world.endpoint_days), sum(|world| world.false_alarms));
    let false_alarms_per_1000 =
        (endpoint_days > 0).then(|| false_alarms as f64 * 1_000.0 / endpoint_days as f64);
    let bounded = sizes.iter().find(|row| (row.size - BOUNDED_SIZE).abs() < 1e-9).and_then(|row| row.recall);
    let reported = || planned.iter().filter_map(|one| one.reported);
    ShiftReport {
        first_seed: study.first_seed,
        seeds: study.seeds,
        median_delay_hours: median(reported().map(|(delay, _)| delay as f64)),
        median_error_hours: median(reported().map(|(_, error)| error as f64)),
        endpoint_days,
        unplanned: sum(|world| world.unplanned),
        false_alarms,
        false_alarms_per_1000,
        holds: bounded.is_some_and(|recall| recall >= RECALL_BOUND)
            && false_alarms_per_1000.is_some_and(|rate| rate <= FALSE_ALARM_BOUND),
        sizes,
    }
}

fn row(size: f64, planned: &[&Planned]) -> SizeRow {
    let of_size: Vec<_> = planned.iter().filter(|one| (one.size - size).abs() < 1e-9).collect();
    let reported = of_size.iter().filter(|one| one.reported.is_some()).count();
    let timely =
        of_size.iter().filter(|one| one.reported.is_some_and(|(delay, _)| delay <= IN_TIME_HOURS)).count();
    SizeRow {
        size,
        planned: of_size.len(),
        in_time: timely,
        later: reported - timely,
        recall: (!of_size.is_empty()).then(|| timely as f64 / of_size.len() as f64),
    }
}
