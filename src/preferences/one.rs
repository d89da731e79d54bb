//! A preference about one endpoint that the reader chose: it alone, or all but it.

use super::answer::general_warnings;
use super::judge::{Judged, judge};
use super::matching::{apart, nameable};
use super::openrouter::TARGET;
use super::saving::{Saving, saving};
use super::select::ONE_ONLY;
use super::speed::{Speed, speed};
use super::{Mode, Preference, PreferenceOptions, ProviderObject};
use crate::domain::limits::Limits;
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::wording::preferences as wording;
use chrono::{DateTime, Duration, Utc};

/// The preference that names one endpoint of a model under the default workload: `avoid` excludes it, every other mode
/// admits nothing else. It states what it is expected to save or cost, and is not withheld for that. If the endpoint
/// cannot be named alone, `provider` is `None` and `reason` says why.
pub fn of_endpoint(
    snapshot: &Snapshot,
    model: &ModelEntry,
    endpoint: &Endpoint,
    mode: Mode,
    now: DateTime<Utc>,
) -> Preference {
    let limits = Limits::default();
    let options = PreferenceOptions { mode, workload: snapshot.default_workload(), limits: &limits };
    let judged = judge(snapshot, model, &options);
    let its = judged.iter().find(|one| one.endpoint.endpoint_id == endpoint.endpoint_id);
    let valid_until = snapshot.as_of + Duration::hours(STALE_AFTER_HOURS);
    let mut warnings = general_warnings(snapshot, model, now, valid_until);
    let named = its.map_or_else(
        || Err("the newest run did not find this endpoint".to_owned()),
        |one| object(&model.endpoints, one.position, mode, &mut warnings),
    );
    let (provider, reason) = match named {
        Ok(provider) => (Some(provider), None),
        Err(reason) => (None, Some(reason)),
    };
    if mode != Mode::Avoid && provider.is_some() {
        let bad = its.and_then(|one| one.unfit.clone().or_else(|| one.avoid.clone()));
        warnings.extend(bad.map(|why| format!("hitrate does not recommend it: {why}")));
        warnings.push(ONE_ONLY.to_owned());
    }
    let workload = options.workload;
    let saved = |provider: &ProviderObject| saving(snapshot, workload, provider, &judged);
    Preference {
        model: model.model_id.clone(),
        target: TARGET.to_owned(),
        mode,
        workload: workload.to_owned(),
        limits: limits.clone(),
        longest_prompt: None,
        saving: provider.as_ref().map_or_else(|| Saving::unknown("there is no preference"), saved),
        speed: provider.as_ref().map_or_else(Speed::default, |provider| speed(provider, &judged)),
        provider,
        router_limits: None,
        session_id: wording::session_advice(mode == Mode::Order).to_owned(),
        router_default: wording::ROUTER_DEFAULT.to_owned(),
        valid_until,
        evidence: its.map(Judged::evidence).into_iter().collect(),
        warnings,
        reason,
    }
}

/// The object that names the endpoint at a position, or why it cannot be named alone.
fn object(
    all: &[Endpoint],
    position: usize,
    mode: Mode,
    warnings: &mut Vec<String>,
) -> Result<ProviderObject, String> {
    let tag = vec![all[position].tag.to_string()];
    if mode == Mode::Avoid {
        let (_, left_out) = nameable(all, &[position]);
        return match left_out.into_iter().next() {
            Some((_, why)) => Err(why),
            None => Ok(ProviderObject { ignore: Some(tag), ..ProviderObject::default() }),
        };
    }
    let apart = apart(all, &[position]);
    if let Some((_, why)) = apart.left_out.into_iter().next() {
        return Err(why);
    }
    let ignore = (!apart.ignore.is_empty()).then_some(apart.ignore);
    let sibling = |ignore: &Vec<String>| wording::Sibling::Excluded { ignore }.to_string();
    warnings.extend(ignore.as_ref().map(sibling));
    Ok(ProviderObject { only: Some(tag), ignore, ..ProviderObject::default() })
}
