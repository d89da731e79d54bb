//! Which endpoints a preference names, by mode.

use super::judge::Judged;
use super::matching::{matches, nameable};
use super::openrouter::ProviderObject;
use super::{Mode, PreferenceOptions};
use crate::domain::thresholds::{SHORTLIST_MIN, SHORTLIST_REACH};
use crate::domain::tier::Tier;
use crate::snapshot::Endpoint;

/// The tiers that a preference without limits recommends.
const RECOMMENDED: [Tier; 3] = [Tier::S, Tier::A, Tier::B];

/// Warning for every preference that names a single endpoint.
const ONE_ONLY: &str = "a single endpoint: when it is down or rate-limited, requests fail; a shortlist has fallbacks. \
    `order` would not help, because it disables sticky routing";

/// Warning for every `order`.
const ORDER_COSTS: &str = "`order` disables the router's sticky routing and load balancing: a conversation no \
    longer stays on the endpoint whose cache is warm. Use it only if the client itself keeps a conversation on one \
    endpoint; otherwise use `shortlist`";

/// A choice of endpoints, or why there is none.
pub(super) type Choice<'a> = Result<(ProviderObject, Vec<&'a Judged<'a>>), String>;

/// Chooses endpoints according to the requested mode. The limits that the router itself enforces are part of the
/// object.
pub(super) fn choose<'a>(
    options: &PreferenceOptions<'_>,
    router_limits: Option<&ProviderObject>,
    all: &[Endpoint],
    judged: &'a [Judged<'a>],
    warnings: &mut Vec<String>,
) -> Choice<'a> {
    let limited = !options.limits.is_empty();
    let base = router_limits.cloned().unwrap_or_default();
    let mut choosing = Choosing { all, judged, warnings };
    match options.mode {
        Mode::Avoid => choosing.avoid(limited, base),
        Mode::Shortlist => choosing.shortlist(base),
        Mode::Pin => choosing.pin(base),
        Mode::Order => choosing.order(base),
    }
}

/// The endpoints of a model, and the warnings of the choice among them.
struct Choosing<'a, 'b> {
    all: &'b [Endpoint],
    judged: &'a [Judged<'a>],
    warnings: &'b mut Vec<String>,
}

/// Endpoints that can be named, and why others are left out.
type Named<'a> = (Vec<&'a Judged<'a>>, Vec<String>);

impl<'a> Choosing<'a, '_> {
    fn avoid(&mut self, limited: bool, base: ProviderObject) -> Choice<'a> {
        let judged = self.judged;
        let bad: Vec<usize> =
            judged.iter().filter(|j| j.avoid.is_some() || !j.admitted()).map(|j| j.position).collect();
        if bad.is_empty() && !limited {
            return Err(
                "nothing to avoid: no endpoint is down, has a phantom cache or is in tier D or F".to_owned()
            );
        }
        let named = self.ignored(&bad);
        let tags = tags(&named);
        let remains = |j: &Judged| {
            j.avoid.is_none()
                && j.good(&[Tier::S, Tier::A, Tier::B, Tier::C])
                && !tags.iter().any(|tag| matches(tag, j.endpoint))
        };
        if !judged.iter().any(remains) {
            let (shortage, best) = (shortage(judged), best_of_the_rest(judged));
            return Err(format!("no good endpoint would remain: {shortage}{best}"));
        }
        if tags.is_empty() && !limited {
            return Err(
                "the endpoints to avoid cannot be named without also excluding better ones".to_owned()
            );
        }
        let ignore = (!tags.is_empty()).then_some(tags);
        if ignore.is_none() && base == ProviderObject::default() {
            return Err(
                "nothing to avoid: every endpoint meets the limits; none is down, has a phantom cache or is in tier D or F"
                    .to_owned(),
            );
        }
        Ok((ProviderObject { ignore, ..base }, named))
    }

    /// The entries of `ignore`: the bad endpoints that can be named alone, and the endpoints that violate limits which
    /// the router does not enforce itself, even if their tag also excludes a good one.
    fn ignored(&mut self, bad: &[usize]) -> Vec<&'a Judged<'a>> {
        let (mut names, left_out) = nameable(self.all, bad);
        for (position, why) in left_out {
            let Some(one) = self.judged.iter().find(|j| j.position == position) else { continue };
            if one.admitted() {
                self.warnings.push(why);
            } else if !one.missed.iter().all(|missed| missed.enforced) {
                self.warnings.push(forced(self.all, bad, one.endpoint.tag.as_str()));
                names.push(position);
            }
        }
        self.warnings.sort();
        self.warnings.dedup();
        self.judged.iter().filter(|j| names.contains(&j.position)).collect()
    }

    /// The recommended endpoints that can be named: tiers S and A; also B if those are too few; and the cheapest of the
    /// rest if the limits leave none of these. If there are enough, only those near the best are kept: requests are
    /// spread over all named endpoints, so each expensive one adds to the cost.
    fn recommended(&mut self) -> Vec<&'a Judged<'a>> {
        let (mut chosen, mut left_out) = self.near_the_best(&[Tier::S, Tier::A]);
        if tags(&chosen).len() < SHORTLIST_MIN {
            (chosen, left_out) = self.near_the_best(&RECOMMENDED);
        }
        if chosen.is_empty() && limits_cost(self.judged) {
            (chosen, left_out) = self.named(&good(self.judged, &Tier::RATED));
            chosen.truncate(SHORTLIST_MIN);
            self.warnings.extend(chosen.first().map(|best| limits_cost_warning(best)));
        }
        self.warnings.append(&mut left_out);
        chosen
    }

    /// The endpoints of the tiers that can be named without matching another, up to the last one that is near the best
    /// or needed for the minimum count. Which endpoints can be named depends on the choice (a base slug matches its
    /// siblings), so the list grows until there are enough.
    fn near_the_best(&self, tiers: &[Tier]) -> Named<'a> {
        let candidates: Vec<&Judged> = self.judged.iter().filter(|j| j.good(tiers)).collect();
        let best = candidates.first().and_then(|j| j.expected).unwrap_or(f64::INFINITY);
        let near =
            candidates.iter().take_while(|j| j.expected.is_some_and(|cost| cost <= best * SHORTLIST_REACH));
        let mut count = near.count().max(SHORTLIST_MIN);
        loop {
            let positions: Vec<usize> = candidates.iter().take(count).map(|j| j.position).collect();
            let named = self.named(&positions);
            if tags(&named.0).len() >= SHORTLIST_MIN || count >= candidates.len() {
                return named;
            }
            count += 1;
        }
    }

    fn shortlist(&mut self, base: ProviderObject) -> Choice<'a> {
        let chosen = self.recommended();
        let tags = tags(&chosen);
        if tags.is_empty() {
            return Err(format!("no endpoint can be recommended: {}", shortage(self.judged)));
        }
        if tags.len() < SHORTLIST_MIN {
            let (count, all) = (tags.len(), self.all.len());
            self.warnings.push(format!(
                "only {count} of {all} endpoints can be recommended: an outage leaves few alternatives"
            ));
        }
        Ok((ProviderObject { only: Some(tags), allow_fallbacks: Some(true), ..base }, chosen))
    }

    /// The shortlist as an order. `only` names the same tags: without it, the router continues with endpoints that are
    /// not recommended when those of the order fail.
    fn order(&mut self, base: ProviderObject) -> Choice<'a> {
        let (provider, chosen) = self.shortlist(base)?;
        self.warnings.push(ORDER_COSTS.to_owned());
        Ok((ProviderObject { order: provider.only.clone(), ..provider }, chosen))
    }

    /// Names one endpoint. A tag that matches two endpoints is not a pin, even if both are good.
    fn pin(&mut self, base: ProviderObject) -> Choice<'a> {
        let mut left_out = Vec::new();
        let mut first = |tiers: &[Tier]| {
            left_out.clear();
            good(self.judged, tiers).iter().find_map(|position| {
                let (named, mut others) = self.named(&[*position]);
                left_out.append(&mut others);
                named.into_iter().next()
            })
        };
        let best =
            first(&RECOMMENDED).or_else(|| limits_cost(self.judged).then(|| first(&Tier::RATED)).flatten());
        self.warnings.append(&mut left_out);
        let Some(best) = best else {
            return Err(format!("no endpoint can be recommended alone: {}", shortage(self.judged)));
        };
        if !RECOMMENDED.contains(&best.tier) {
            self.warnings.push(limits_cost_warning(best));
        }
        self.warnings.push(ONE_ONLY.to_owned());
        let only = Some(vec![best.endpoint.tag.to_string()]);
        Ok((ProviderObject { only, ..base }, vec![best]))
    }

    fn named(&self, chosen: &[usize]) -> Named<'a> {
        let (positions, left_out) = nameable(self.all, chosen);
        let mut left_out: Vec<String> = left_out.into_iter().map(|(_, why)| why).collect();
        left_out.sort();
        left_out.dedup();
        let at = |position: usize| self.judged.iter().find(|j| j.position == position);
        (positions.into_iter().filter_map(at).collect(), left_out)
    }
}

fn forced(all: &[Endpoint], bad: &[usize], tag: &str) -> String {
    let hit = |(position, endpoint): (usize, &Endpoint)| {
        (!bad.contains(&position) && matches(tag, endpoint)).then(|| format!("`{}`", endpoint.tag))
    };
    let hit: Vec<String> = all.iter().enumerate().filter_map(hit).collect();
    format!("`{tag}` violates the limits; excluding it also excludes {}", hit.join(", "))
}

/// Whether the limits exclude everything that would be recommended without them. In that case the best of the rest is
/// recommended.
fn limits_cost(judged: &[Judged]) -> bool {
    let recommended = |j: &Judged| j.unfit.is_none() && RECOMMENDED.contains(&j.tier);
    let (kept, lost): (Vec<_>, Vec<_>) = judged.iter().filter(|j| recommended(j)).partition(|j| j.admitted());
    kept.is_empty() && !lost.is_empty()
}

fn limits_cost_warning(best: &Judged) -> String {
    format!("no endpoint better than tier {} meets the limits: relaxing them would lower the cost", best.tier)
}

/// Positions of the endpoints that may be recommended, lowest expected cost first.
fn good(judged: &[Judged], tiers: &[Tier]) -> Vec<usize> {
    judged.iter().filter(|j| j.good(tiers)).map(|j| j.position).collect()
}

/// The tags of the endpoints, each once.
fn tags(named: &[&Judged]) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for judged in named {
        let tag = judged.endpoint.tag.to_string();
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

/// Why there is nothing to recommend, endpoint by endpoint, for at most five of them.
fn shortage(judged: &[Judged]) -> String {
    if judged.is_empty() {
        return "the newest run found no endpoint".to_owned();
    }
    let line = |j: &Judged| format!("{}: {}", j.endpoint.tag, j.shortcoming());
    let lines: Vec<String> = judged.iter().take(5).map(line).collect();
    let more = judged.len().saturating_sub(5);
    if more > 0 { format!("{}; and {more} more", lines.join("; ")) } else { lines.join("; ") }
}

/// A suggestion for the case that the limits leave only bad endpoints.
fn best_of_the_rest(judged: &[Judged]) -> &'static str {
    let is_left = judged.iter().any(|j| j.good(&Tier::RATED)) && judged.iter().any(|j| !j.admitted());
    if is_left { " (`shortlist` and `pin` name the best endpoints that meet the limits)" } else { "" }
}
