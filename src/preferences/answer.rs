//! Turns a request for a preference into an answer: the refusals, the warnings and the content.

use super::judge::{Judged, judge, record_is_young};
use super::kept::{longest_prompt, router_limits};
use super::openrouter::TARGET;
use super::saving::{NO_DIFFERENCE, Saving, saving};
use super::select::{choose, choose_all};
use super::speed::{Speed, speed};
use super::{Mode, Preference, PreferenceOptions, ProviderObject, TRAFFIC};
use crate::domain::format::percent;
use crate::domain::limits::{Limit, Limits};
use crate::domain::thresholds::{
    PIN_WITHHOLD_BELOW, SHORTLIST_WITHHOLD_BELOW, STALE_AFTER_HOURS, STALE_GRACE_HOURS,
};
use crate::domain::workload::{Workload, unknown};
use crate::snapshot::{ModelEntry, Snapshot};
use crate::wording::preferences::{self as wording, Withheld};
use crate::wording::price_list;
use chrono::{DateTime, Duration, Utc};
use std::collections::BTreeMap;

/// Checks the name of a workload that preferences can rank by; without a name, the default workload.
///
/// # Errors
/// A message that lists the known names if `name` is not one of them.
pub fn known_workload<'a>(snapshot: &'a Snapshot, name: Option<&str>) -> Result<&'a str, String> {
    name.map_or_else(|| Ok(snapshot.default_workload()), |name| workload_among(&snapshot.workloads, name))
}

/// Like [`known_workload`], among workloads without a snapshot.
///
/// # Errors
/// As [`known_workload`].
pub fn workload_among<'a>(workloads: &'a [Workload], name: &str) -> Result<&'a str, String> {
    let mut known = workloads.iter().map(|known| known.name.as_str()).chain([TRAFFIC]);
    known.clone().find(|own| *own == name).ok_or_else(|| unknown(name, &mut known))
}

/// The preference for a model in a mode without limits; see [`advise`].
pub fn preference(
    snapshot: &Snapshot,
    model: &ModelEntry,
    mode: Mode,
    workload: &str,
    now: DateTime<Utc>,
) -> Preference {
    advise(snapshot, model, &PreferenceOptions { mode, workload, limits: &Limits::default() }, now)
}

/// The preference for a model: hard limits first, then the ranking by expected cost. `now` decides whether the snapshot
/// is fresh enough. Without a preference, `provider` is `None` and `reason` says why.
pub fn advise(
    snapshot: &Snapshot,
    model: &ModelEntry,
    options: &PreferenceOptions<'_>,
    now: DateTime<Utc>,
) -> Preference {
    let valid_until = snapshot.as_of + Duration::hours(STALE_AFTER_HOURS);
    let mut warnings = Vec::new();
    let judged = judge(snapshot, model, options);
    let router_limits = router_limits(options.limits);
    let given = match refusal(snapshot, model, options.workload, now) {
        Some(why) => Err(why),
        None => {
            warnings.extend(general_warnings(snapshot, model, now, valid_until));
            warnings.extend(limit_warnings(options.limits, &judged));
            decide(snapshot, model, options, router_limits.as_ref(), &judged, &mut warnings)
        }
    };
    let (given, reason) = match given {
        Ok(given) => (given, None),
        Err(reason) => (Given::nothing(), Some(reason)),
    };
    Preference {
        model: model.model_id.clone(),
        target: TARGET.to_owned(),
        mode: options.mode,
        workload: options.workload.to_owned(),
        limits: options.limits.clone(),
        longest_prompt: longest_prompt(snapshot, options.workload),
        provider: given.provider,
        router_limits,
        session_id: wording::session_advice(options.mode == Mode::Order).to_owned(),
        router_default: wording::ROUTER_DEFAULT.to_owned(),
        valid_until,
        evidence: given.named.into_iter().map(Judged::evidence).collect(),
        warnings,
        saving: given.saving,
        speed: given.speed,
        reason,
    }
}

/// What is given: the preference, the endpoints that it names, and what it changes.
struct Given<'a> {
    provider: Option<ProviderObject>,
    named: Vec<&'a Judged<'a>>,
    saving: Saving,
    speed: Speed,
}

impl Given<'_> {
    fn nothing() -> Self {
        let saving = Saving::unknown("there is no preference");
        Self { provider: None, named: Vec::new(), saving, speed: Speed::default() }
    }
}

/// Chooses, and withholds a choice that is expected to be worse than none. The warnings of a choice that is withheld are
/// dropped with it.
fn decide<'a>(
    snapshot: &Snapshot,
    model: &ModelEntry,
    options: &PreferenceOptions<'_>,
    router_limits: Option<&ProviderObject>,
    judged: &'a [Judged<'a>],
    warnings: &mut Vec<String>,
) -> Result<Given<'a>, String> {
    let mut own = Vec::new();
    let choice = choose(options, router_limits, &model.endpoints, judged, &mut own);
    let (mut provider, mut named) = match choice {
        Ok(choice) => choice,
        Err(why) => {
            warnings.append(&mut own);
            return Err(why);
        }
    };
    let mut saved = saving(snapshot, options.workload, &provider, judged);
    if let Some(reason) = worse_than_none(options.mode, &saved) {
        // Without the names, the router would also use endpoints outside of these limits.
        let only_names_keep_limits = judged.iter().any(|j| j.missed.iter().any(|missed| !missed.enforced));
        if !only_names_keep_limits {
            return Err(wording::withheld(&reason));
        }
        let mut of_all = Vec::new();
        let all = choose_all(router_limits, &model.endpoints, judged, &mut of_all);
        let all = all.filter(|_| options.mode != Mode::Avoid).map(|(provider, named)| {
            let saved = saving(snapshot, options.workload, &provider, judged);
            (provider, named, saved)
        });
        match all.filter(|(wide, _, its)| *wide != provider && is_better(its, &saved)) {
            Some(all) => {
                (provider, named, saved) = all;
                own = of_all;
                own.push(wording::all_for_limits(&reason, worse_than_none(Mode::Avoid, &saved).as_ref()));
            }
            None => own.push(wording::given_for_limits(&reason)),
        }
    }
    own.extend(cost_warning(&saved, options.mode));
    own.extend(ending(options.mode, judged, &named));
    warnings.append(&mut own);
    let speed = speed(&provider, judged);
    Ok(Given { provider: Some(provider), named, saving: saved, speed })
}

/// Whether all endpoints within the limits are a better preference than the `few` that a mode would name: they are not
/// expected to lose, or to lose less.
fn is_better(all: &Saving, few: &Saving) -> bool {
    let fraction = |saving: &Saving| saving.against_traffic_average.fraction;
    fraction(all).is_some_and(|all| all >= -NO_DIFFERENCE || Some(all) > fraction(few))
}

/// Why a preference should be withheld: it is expected to lose against the traffic's average, or its interval reaches too
/// far below zero. `avoid` leaves most of the traffic where it is, so only an expected loss counts for it.
fn worse_than_none(mode: Mode, saving: &Saving) -> Option<Withheld> {
    let compared = &saving.against_traffic_average;
    let saving = compared.fraction?;
    let interval = compared.low.zip(compared.high);
    if saving < -NO_DIFFERENCE {
        return Some(Withheld::Loss { saving, interval });
    }
    let bound = match mode {
        Mode::Avoid => return None,
        Mode::Shortlist | Mode::Order => SHORTLIST_WITHHOLD_BELOW,
        Mode::Pin => PIN_WITHHOLD_BELOW,
    };
    let interval = interval.filter(|(low, _)| *low < bound)?;
    Some(Withheld::Uncertain { saving, interval, bound })
}

/// How far the newest run may lie beyond the clock, minutes: clocks differ a little.
const AHEAD_MINUTES: i64 = 15;

/// Why there can be no preference for a model, decided before its endpoints are examined.
fn refusal(snapshot: &Snapshot, model: &ModelEntry, workload: &str, now: DateTime<Utc>) -> Option<String> {
    let stale = Duration::hours(STALE_AFTER_HOURS + STALE_GRACE_HOURS);
    let variant = model.variant.as_str();
    if now - snapshot.as_of > stale {
        return Some(format!(
            "the data are stale: the newest run is from {}, more than {} hours ago{}",
            snapshot.as_of.to_rfc3339(),
            stale.num_hours(),
            suspicion(snapshot).map(|why| format!("; {why}")).unwrap_or_default()
        ));
    }
    if snapshot.as_of - now > Duration::minutes(AHEAD_MINUTES) {
        return Some(format!(
            "the newest run is dated {}, which is in the future: the clock of the collector was wrong, or this machine's is",
            snapshot.as_of.to_rfc3339()
        ));
    }
    if matches!(variant, "free" | "batch") {
        return Some(format!(
            "the variant `{variant}` has no session costs to compare: cached tokens are not billed"
        ));
    }
    known_workload(snapshot, Some(workload)).err().map(|why| format!("no session costs: {why}"))
}

/// Savings versus the lowest list price below this fraction cause a warning; smaller losses disappear in rounding.
pub const WARN_BELOW_SAVING: f64 = -0.005;

/// A warning that the preference costs more than a choice by list price: the price of having a fallback.
fn cost_warning(saving: &Saving, mode: Mode) -> Option<String> {
    let compared = &saving.against_cheapest_list;
    let fraction = compared.fraction.filter(|fraction| *fraction < WARN_BELOW_SAVING)?;
    let tags: Vec<String> = compared.against.iter().flatten().map(|tag| format!("`{tag}`")).collect();
    let instead = match mode {
        Mode::Avoid => "; `shortlist` and `pin` narrow the choice down further",
        Mode::Shortlist => "; `pin` names a single endpoint and has no fallback",
        Mode::Pin | Mode::Order => "",
    };
    Some(format!(
        "expected to cost {} more than {} ({}){instead}",
        percent(-fraction, 0),
        price_list::reference(tags.len()),
        tags.join(", ")
    ))
}

/// Why no newer run is published if the newest one is suspect.
fn suspicion(snapshot: &Snapshot) -> Option<String> {
    let suspect = snapshot.status.suspect.as_ref()?;
    Some(format!(
        "the newest run ({}) is not published, because the meaning of {} seems to have changed upstream",
        suspect.observed_at.to_rfc3339(),
        suspect.moved()
    ))
}

/// A warning for each endpoint that the preference admits and that the upstream is going to drop.
fn ending(mode: Mode, judged: &[Judged], named: &[&Judged]) -> Vec<String> {
    let is_named = |one: &Judged| named.iter().any(|named| named.position == one.position);
    let let_in = |one: &&Judged| match mode {
        Mode::Avoid => !is_named(one) && one.admitted() && one.unfit.is_none(),
        Mode::Shortlist | Mode::Pin | Mode::Order => is_named(one),
    };
    let warning = |one: &Judged| {
        let date = one.endpoint.facts.deprecation_date?.format("%Y-%m-%d %H:%M");
        Some(format!("`{}` is deprecated: the upstream stops offering it on {date} UTC", one.endpoint.tag))
    };
    judged.iter().filter(let_in).filter_map(warning).collect()
}

pub(super) fn general_warnings(
    snapshot: &Snapshot,
    model: &ModelEntry,
    now: DateTime<Utc>,
    valid_until: DateTime<Utc>,
) -> Vec<String> {
    let mut warnings = Vec::new();
    if snapshot.simulated {
        warnings.push("these numbers are simulated: do not send them to a real router".to_owned());
    }
    if now > valid_until {
        warnings.push(format!("the data are old: valid until {}", valid_until.to_rfc3339()));
    }
    warnings.extend(suspicion(snapshot));
    if record_is_young(snapshot) && model.endpoints.iter().any(|e| e.facts.created_at.is_none()) {
        warnings.push("the record is younger than a day: new endpoints cannot be identified".to_owned());
    }
    warnings
}

/// Warnings about limits: how many endpoints a limit excludes because the value is unknown, and what the router decides
/// itself.
fn limit_warnings(limits: &Limits, judged: &[Judged]) -> Vec<String> {
    let mut unknown: BTreeMap<Limit, usize> = BTreeMap::new();
    for one in judged {
        let mut of_one: Vec<Limit> = one.missed.iter().filter(|m| !m.known).map(|m| m.limit).collect();
        of_one.dedup();
        of_one.into_iter().for_each(|limit| *unknown.entry(limit).or_default() += 1);
    }
    let count = |(limit, count): (&Limit, &usize)| {
        format!(
            "`{limit}`: not published for {count} of {} endpoints; these are treated as violating the limit",
            judged.len()
        )
    };
    let mut warnings: Vec<String> = unknown.iter().map(count).collect();
    if limits.zdr {
        warnings.push(
            "`zdr` is judged by the published data policies; the router keeps its own list, which may be shorter: a \
             request that matches no endpoint fails"
                .to_owned(),
        );
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preferences::Compared;

    #[test]
    fn a_loss_or_a_far_reaching_interval_withholds_a_preference() {
        let judged = |mode, fraction: Option<f64>, low: Option<f64>| {
            let compared = Compared { fraction, low, high: low.map(|_| 0.5), ..Compared::default() };
            worse_than_none(mode, &Saving { against_traffic_average: compared, ..Saving::unknown("") })
        };
        let all = [Mode::Avoid, Mode::Shortlist, Mode::Pin, Mode::Order];
        for mode in all {
            let loss = Some(Withheld::Loss { saving: -0.01, interval: Some((-0.05, 0.5)) });
            assert_eq!(judged(mode, Some(-0.01), Some(-0.05)), loss, "{mode}");
            assert!(judged(mode, Some(-0.01), None).is_some(), "a loss without an interval in {mode}");
            assert_eq!(judged(mode, None, None), None, "an unknown saving in {mode}");
            assert_eq!(judged(mode, Some(0.1), None), None, "an unknown interval in {mode}");
            assert_eq!(judged(mode, Some(-1e-12), Some(-1e-12)), None, "a rounding error in {mode}");
            assert_eq!(judged(mode, Some(0.1), Some(-0.09)), None, "{mode}");
        }
        let withheld = |low| all.map(|mode| judged(mode, Some(0.1), Some(low)).is_some());
        assert_eq!(withheld(-0.15), [false, false, true, false]);
        assert_eq!(withheld(-0.25), [false, true, true, true]);
    }
}
