//! Preferences over every model of every recorded day: what a router would do with them, and what following them would
//! have cost on the next day.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, Utc};
use hitrate::domain::flag::FlagKind;
use hitrate::domain::limits::Limits;
use hitrate::domain::thresholds::{BACKTEST_MIN_TOKENS, BACKTEST_OUTPUT_SHARE};
use hitrate::domain::workload::Workload;
use hitrate::pipeline::build_snapshot;
use hitrate::preferences::{Mode, PreferenceOptions, TRAFFIC, advise};
use hitrate::snapshot::{Endpoint, ModelEntry, Snapshot};
use hitrate::store::Store;
use uuid::Uuid;

use crate::preferences::router::{keeps, means, uses};

const MODES: [Mode; 4] = [Mode::Avoid, Mode::Shortlist, Mode::Pin, Mode::Order];

fn workloads() -> Vec<Workload> {
    Workload::shipped().expect("data/workloads.toml is valid")
}

/// No limits, and a few typical ones.
fn limits() -> Vec<Limits> {
    let floor = Some("fp8".parse().expect("a format"));
    let none = Limits::default;
    vec![
        none(),
        Limits { quant_floor: floor, ..none() },
        Limits { no_training: true, no_retention: true, ..none() },
        Limits { zdr: true, parameters: vec!["tools".to_owned()], ..none() },
        Limits { max_input: Some(0.5), max_output: Some(2.0), ..none() },
        Limits { region: Some("us".to_owned()), context: Some(100_000), ..none() },
    ]
}

/// Checks the preferences of the snapshots at `times`, and what following the pins cost.
pub fn preferences_hold_and_pay(store: &Store, times: &[DateTime<Utc>]) {
    let (mut given, mut followed) = (BTreeMap::new(), Followed::new(store, times));
    for (at_day, time) in times.iter().enumerate() {
        let snapshot = build_snapshot(store, Some(*time), workloads(), *time).expect("a snapshot");
        followed.take(&snapshot);
        // Compliance hardly differs from day to day, so this checks every third day, with all limits and modes.
        if at_day % 3 != 2 {
            continue;
        }
        for (at, limits) in limits().iter().enumerate() {
            for mode in MODES {
                let count = a_router_obeys(&snapshot, mode, limits);
                *given.entry((mode.as_str(), at)).or_insert(0) += count;
            }
        }
    }
    eprintln!("preferences given, by mode and limits: {given:?}");
    assert!(given.values().all(|count| *count > 5), "{given:?}");
    followed.pays();
}

/// Checks every preference of a snapshot as a router would follow it. Returns their number.
fn a_router_obeys(snapshot: &Snapshot, mode: Mode, limits: &Limits) -> usize {
    let workload = snapshot.workloads.iter().find(|own| own.name == snapshot.default_workload());
    let longest = workload.map(|workload| workload.prompt_of_turn(workload.turns)).expect("a workload");
    let mut given = 0;
    for model in snapshot.models.iter().filter(|model| model.variant.is_standard()) {
        let options = PreferenceOptions { mode, workload: snapshot.default_workload(), limits };
        let made = advise(snapshot, model, &options, snapshot.as_of);
        assert_eq!(made.provider.is_none(), made.reason.is_some(), "{}", model.model_id);
        let Some(provider) = made.provider else { continue };
        given += 1;
        let reached: Vec<&Endpoint> =
            model.endpoints.iter().filter(|one| uses(&provider, &limits.parameters, one)).collect();
        assert!(!reached.is_empty(), "{}: {provider:?} reaches nothing", model.model_id);
        for one in &reached {
            assert!(keeps(limits, one, longest), "{}: {} under {limits:?}", model.model_id, one.tag);
        }
        let lists = [&provider.only, &provider.ignore, &provider.order];
        for entry in lists.into_iter().flatten().flatten() {
            let is_there = model.endpoints.iter().any(|one| means(entry, one.tag.as_str()));
            assert!(is_there, "{}: {entry} is no endpoint", model.model_id);
        }
        let bad = |one: &&&Endpoint| {
            one.status.is_some_and(|status| status <= -5)
                || one.is_flagged(FlagKind::Phantom)
                || one.is_flagged(FlagKind::Down)
        };
        if mode == Mode::Avoid {
            assert!(reached.iter().any(|one| !bad(&one)), "{}: {provider:?}", model.model_id);
        } else {
            assert!(!reached.iter().any(|one| bad(&one)), "{}: {provider:?}", model.model_id);
        }
    }
    given
}

/// The choices, at the price of the next day: of the day of the choice, a part is already known.
struct Followed {
    prices: BTreeMap<(Uuid, NaiveDate), f64>,
    /// Logarithm of the cost relative to the cheapest endpoint of the next day, by way of choosing.
    over: BTreeMap<&'static str, Vec<f64>>,
    same: usize,
}

impl Followed {
    fn new(store: &Store, times: &[DateTime<Utc>]) -> Self {
        let (first, last) = (times[0].date_naive(), times[times.len() - 1]);
        let ids = store.endpoint_ids().expect("ids");
        let days = store.priced_days(first - Days::new(2), last.date_naive(), last).expect("prices");
        let cost = |input: f64, output: f64| input + BACKTEST_OUTPUT_SHARE * output;
        let prices = days
            .iter()
            .map(|row| ((ids[&row.endpoint], row.day), cost(row.effective_input, row.effective_output)))
            .collect();
        Self { prices, over: BTreeMap::new(), same: 0 }
    }

    /// The price of the day after the snapshot, if a cost is expected.
    fn next(&self, snapshot: &Snapshot, endpoint: &Endpoint) -> Option<f64> {
        endpoint.expected_cost?;
        let day = snapshot.as_of.date_naive().succ_opt()?;
        self.prices.get(&(endpoint.endpoint_id, day)).copied().filter(|price| *price > 0.0)
    }

    fn take(&mut self, snapshot: &Snapshot) {
        for model in snapshot.models.iter().filter(|model| model.variant.is_standard()) {
            let busy =
                |one: &&Endpoint| one.tokens.is_some_and(|tokens| tokens as f64 >= BACKTEST_MIN_TOKENS);
            let candidates: Vec<(&Endpoint, f64)> = model
                .endpoints
                .iter()
                .filter(busy)
                .filter_map(|one| Some((one, self.next(snapshot, one)?)))
                .collect();
            let pins =
                [TRAFFIC, snapshot.default_workload()].map(|workload| pinned(snapshot, model, workload));
            let [Some(traffic), Some(session)] =
                pins.map(|pin| pin.and_then(|one| self.next(snapshot, one).map(|p| (one, p))))
            else {
                continue;
            };
            let listed = shortlisted(snapshot, model);
            let listed: Vec<(&Endpoint, f64)> =
                listed.into_iter().filter_map(|one| Some((one, self.next(snapshot, one)?))).collect();
            if candidates.len() > 1 && !listed.is_empty() {
                self.charge(&candidates, traffic, session, &listed);
            }
        }
    }

    fn charge(
        &mut self,
        all: &[(&Endpoint, f64)],
        traffic: (&Endpoint, f64),
        session: (&Endpoint, f64),
        listed: &[(&Endpoint, f64)],
    ) {
        let oracle = all.iter().map(|(_, price)| *price).fold(f64::INFINITY, f64::min);
        let lowest = |score: &dyn Fn(&Endpoint) -> f64| {
            let best = all.iter().map(|(one, _)| score(one)).fold(f64::INFINITY, f64::min);
            let equal = all.iter().filter(|(one, _)| score(one) <= best * (1.0 + 1e-9));
            let logs: Vec<f64> = equal.map(|(_, price)| price.ln()).collect();
            (logs.iter().sum::<f64>() / logs.len() as f64).exp()
        };
        let list = |one: &Endpoint| {
            let list = one.list.input.zip(one.list.output);
            list.map_or(f64::INFINITY, |(input, output)| input + BACKTEST_OUTPUT_SHARE * output)
        };
        let policy = |one: &Endpoint| one.expected_cost.map_or(f64::INFINITY, |expected| expected.chosen_by);
        // At least one token, so that a list of idle endpoints has a mean.
        let tokens = |one: &Endpoint| one.tokens.unwrap_or(0).max(1) as f64;
        let spread = |some: &[(&Endpoint, f64)]| {
            let total: f64 = some.iter().map(|(one, _)| tokens(one)).sum();
            some.iter().map(|(one, price)| tokens(one) * price / total).sum::<f64>()
        };
        let chosen =
            all.iter().min_by(|a, b| policy(a.0).total_cmp(&policy(b.0))).map(|(one, _)| one.endpoint_id);
        self.same += usize::from(chosen == Some(traffic.0.endpoint_id));
        let paid = [
            ("pin, traffic", traffic.1),
            ("pin, coding-agent", session.1),
            ("policy", lowest(&policy)),
            ("cheapest list", lowest(&list)),
            ("traffic average", spread(all)),
            ("shortlist, spread as traffic", spread(listed)),
        ];
        for (way, price) in paid {
            self.over.entry(way).or_default().push((price / oracle).ln());
        }
    }

    fn pays(&self) {
        let mean = |way: &str| {
            let logs = &self.over[way];
            (logs.iter().sum::<f64>() / logs.len() as f64).exp()
        };
        let choices = self.over["policy"].len();
        let agreed = self.same as f64 / choices as f64;
        eprintln!("{choices} choices, {:.1} % the policy's own; cost over the oracle's:", agreed * 100.0);
        self.over.keys().for_each(|way| eprintln!("  {way}: {:.4}", mean(way)));
        assert!(choices > 100, "{choices}");
        // A pin excludes endpoints that are new, de-ranked or cannot be named alone, and it allows endpoints with less
        // traffic.
        assert!(agreed > 0.75, "{agreed}");
        for pin in ["pin, traffic", "pin, coding-agent"] {
            for other in ["cheapest list", "traffic average"] {
                assert!(mean(pin) < mean(other), "{pin} is more expensive than {other}");
            }
        }
        // At least three endpoints cost more than the best of them, but still far less than the traffic average.
        let list = mean("shortlist, spread as traffic");
        assert!(list < 0.95 * mean("traffic average") && list < 1.02 * mean("cheapest list"), "{list}");
        assert!(mean("pin, traffic") < 1.03 * mean("policy"));
    }
}

/// The endpoints that a shortlist names.
fn shortlisted<'a>(snapshot: &Snapshot, model: &'a ModelEntry) -> Vec<&'a Endpoint> {
    let limits = Limits::default();
    let options = PreferenceOptions { mode: Mode::Shortlist, workload: TRAFFIC, limits: &limits };
    let Some(provider) = advise(snapshot, model, &options, snapshot.as_of).provider else {
        return Vec::new();
    };
    model.endpoints.iter().filter(|one| uses(&provider, &limits.parameters, one)).collect()
}

/// The endpoint that a pin names.
fn pinned<'a>(snapshot: &Snapshot, model: &'a ModelEntry, workload: &str) -> Option<&'a Endpoint> {
    let options = PreferenceOptions { mode: Mode::Pin, workload, limits: &Limits::default() };
    let only = advise(snapshot, model, &options, snapshot.as_of).provider?.only?;
    let named: BTreeSet<&String> = only.iter().collect();
    assert_eq!(named.len(), 1, "{}", model.model_id);
    model.endpoints.iter().find(|one| one.tag.as_str() == only[0])
}
