//! The study of shifts with known sizes, in a small form.

use hitrate::simulator::{EndpointShifts, EventKind, Habits, Simulator, SimulatorConfig};
use hitrate::study::shifts::{ShiftReport, ShiftStudy, run};

use crate::upstream::start;

fn shape(is_steady: bool) -> SimulatorConfig {
    SimulatorConfig {
        models: 30,
        providers: 16,
        endpoints: 200,
        cacheless_providers: 1,
        events: false,
        shifts: Some(EndpointShifts { endpoints: 40, sizes: vec![0.15, 0.30], is_steady }),
        ..SimulatorConfig::starting_at(start(), 16)
    }
}

fn studied(world: SimulatorConfig) -> ShiftReport {
    run(&ShiftStudy { first_seed: 1, seeds: 2, world }, &|| {}).expect("studied")
}

#[test]
fn known_shifts_are_found_within_two_days_with_few_false_alarms() {
    let report = studied(shape(true));
    let planned: usize = report.sizes.iter().map(|row| row.planned).sum();
    assert_eq!(planned, 80, "{report:?}");
    for (row, least) in report.sizes.iter().zip([0.85, 0.9]) {
        assert!(row.recall.is_some_and(|recall| recall >= least), "{row:?}");
    }
    assert!(report.endpoint_days > 3_000, "{report:?}");
    assert!(report.false_alarms_per_1000.is_some_and(|rate| rate <= 2.0), "{report:?}");
    assert_eq!(report.unplanned, report.false_alarms, "levels are steady");
    assert!(report.median_delay_hours.is_some_and(|hours| hours <= 48.0), "{report:?}");
    assert_eq!(studied(shape(true)), report, "a seed repeats it");
}

#[test]
fn cached_bodies_and_slow_sweeps_hide_no_shift() {
    let report = studied(SimulatorConfig { habits: Habits::observed(), ..shape(true) });
    let large = report.sizes.last().expect("two sizes");
    assert!(large.recall.is_some_and(|recall| recall >= 0.85), "{report:?}");
}

#[test]
fn a_study_needs_seeds_and_possible_sizes() {
    let study = ShiftStudy { first_seed: 1, seeds: 0, world: shape(true) };
    assert!(run(&study, &|| {}).is_err());
    for sizes in [vec![], vec![0.0], vec![0.7], vec![f64::NAN]] {
        let shifts = Some(EndpointShifts { endpoints: 4, sizes, is_steady: true });
        let error = Simulator::new(SimulatorConfig { shifts, ..shape(true) }).expect_err("refused");
        assert!(error.to_string().contains("a shift of"), "{error}");
    }
}

#[test]
fn planned_shifts_move_the_true_mean_at_their_time_and_by_their_size() {
    let simulator = Simulator::new(shape(false)).expect("a world");
    let truth = simulator.truth();
    let mut shifts = 0;
    for event in truth.events() {
        let (EventKind::EndpointShift { by }, Some(id)) = (&event.kind, event.endpoint) else { continue };
        shifts += 1;
        let mean = |at| truth.mean_hit_rate(id, at).expect("an endpoint");
        let moved = mean(event.at) - mean(event.at - chrono::Duration::seconds(1));
        assert!((moved - by).abs() < 1e-12 && [0.15, 0.30].contains(&by.abs()), "{event:?}");
    }
    assert_eq!(shifts, 40);
}

#[test]
fn a_world_without_planned_shifts_is_the_same_as_before() {
    let without = SimulatorConfig { shifts: None, ..shape(true) };
    let simulator = Simulator::new(without).expect("a world");
    let is_shift = |kind: &EventKind| matches!(kind, EventKind::EndpointShift { .. });
    assert!(simulator.truth().events().iter().all(|event| !is_shift(&event.kind)));
}
