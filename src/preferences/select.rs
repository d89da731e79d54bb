//! Which endpoints a preference names, by mode.

use super::judge::Judged;
use super::matching::{apart, matches, nameable};
use super::openrouter::ProviderObject;
use super::{Mode, PreferenceOptions};
use crate::domain::thresholds::{SHORTLIST_MIN, SHORTLIST_REACH};
use crate::domain::tier::Tier;
use crate::snapshot::Endpoint;
use crate::wording::preferences::Sibling;

/// The tiers that a preference without limits recommends.
const RECOMMENDED: [Tier; 3] = [Tier::S, Tier::A, Tier::B];

/// Warning for every preference that names a single endpoint.
pub(super) const ONE_ONLY: &str = "a single endpoint: when it is down or rate-limited, requests fail; a shortlist has fallbacks. \
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

/// Names all endpoints that meet the limits and are not bad, in any tier and with any traffic: for limits that only
/// names can keep, if fewer names would be worse than none.
pub(super) fn choose_all<'a>(
    router_limits: Option<&ProviderObject>,
    all: &[Endpoint],
    judged: &'a [Judged<'a>],
    warnings: &mut Vec<String>,
) -> Option<(ProviderObject, Vec<&'a Judged<'a>>)> {
    let base = router_limits.cloned().unwrap_or_default();
    Choosing { all, judged, warnings }.all(base)
}

/// The endpoints of a model, and the warnings of the choice among them.
struct Choosing<'a, 'b> {
    all: &'b [Endpoint],
    judged: &'a [Judged<'a>],
    warnings: &'b mut Vec<String>,
}

/// Endpoints that are named in `only`, what `ignore` has to exclude, and why others are left out.
#[derive(Default)]
struct Named<'a> {
    named: Vec<&'a Judged<'a>>,
    ignore: Vec<String>,
    left_out: Vec<String>,
}

impl Named<'_> {
    /// The object that names them, with a warning if it needs both lists.
    fn object(&self, base: ProviderObject, warnings: &mut Vec<String>) -> ProviderObject {
        let ignore = (!self.ignore.is_empty()).then(|| self.ignore.clone());
        warnings.extend(ignore.as_deref().map(|ignore| Sibling::Excluded { ignore }.to_string()));
        ProviderObject { only: Some(tags(&self.named)), ignore, ..base }
    }
}

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
    fn recommended(&mut self) -> Named<'a> {
        let mut chosen = self.near_the_best(&[Tier::S, Tier::A]);
        if tags(&chosen.named).len() < SHORTLIST_MIN {
            chosen = self.near_the_best(&RECOMMENDED);
        }
        if chosen.named.is_empty() && limits_cost(self.judged) {
            chosen = self.near_the_best(&Tier::RATED);
            self.warnings.extend(chosen.named.first().map(|best| limits_cost_warning(best)));
        }
        self.warnings.append(&mut chosen.left_out);
        chosen
    }

    /// The endpoints of the tiers that can be named, up to the last one that is near the best or needed for the minimum
    /// count. An endpoint that shares its tag with another one cannot be named alone, so the list grows until there are
    /// enough.
    fn near_the_best(&self, tiers: &[Tier]) -> Named<'a> {
        let candidates: Vec<&Judged> = self.judged.iter().filter(|j| j.nameable(tiers)).collect();
        let best = candidates.first().and_then(|j| j.expected).unwrap_or(f64::INFINITY);
        let near =
            candidates.iter().take_while(|j| j.expected.is_some_and(|cost| cost <= best * SHORTLIST_REACH));
        let mut count = near.count().max(SHORTLIST_MIN);
        loop {
            let positions: Vec<usize> = candidates.iter().take(count).map(|j| j.position).collect();
            let named = self.named(&positions);
            if tags(&named.named).len() >= SHORTLIST_MIN || count >= candidates.len() {
                return named;
            }
            count += 1;
        }
    }

    fn shortlist(&mut self, base: ProviderObject) -> Choice<'a> {
        let chosen = self.recommended();
        let count = tags(&chosen.named).len();
        if count == 0 {
            return Err(format!("no endpoint can be recommended: {}", shortage(self.judged)));
        }
        if count < SHORTLIST_MIN {
            let all = self.all.len();
            self.warnings.push(format!(
                "only {count} of {all} endpoints can be recommended: an outage leaves few alternatives"
            ));
        }
        let provider = chosen.object(base, self.warnings);
        Ok((ProviderObject { allow_fallbacks: Some(true), ..provider }, chosen.named))
    }

    /// The shortlist as an order. `only` names the same tags: without it, the router continues with endpoints that are
    /// not recommended when those of the order fail.
    fn order(&mut self, base: ProviderObject) -> Choice<'a> {
        let (provider, chosen) = self.shortlist(base)?;
        self.warnings.push(ORDER_COSTS.to_owned());
        Ok((ProviderObject { order: provider.only.clone(), ..provider }, chosen))
    }

    fn all(&mut self, base: ProviderObject) -> Option<(ProviderObject, Vec<&'a Judged<'a>>)> {
        let usable = |j: &&Judged| j.admitted() && j.unfit.is_none() && j.avoid.is_none();
        let positions: Vec<usize> = self.judged.iter().filter(usable).map(|j| j.position).collect();
        let mut chosen = self.named(&positions);
        if chosen.named.is_empty() {
            return None;
        }
        self.warnings.append(&mut chosen.left_out);
        let provider = chosen.object(base, self.warnings);
        Some((ProviderObject { allow_fallbacks: Some(true), ..provider }, chosen.named))
    }

    /// Names one endpoint. If another one has exactly the same tag, both are named if they are cheaper together than the
    /// next endpoint alone.
    fn pin(&mut self, base: ProviderObject) -> Choice<'a> {
        let mut best = self.alone(&RECOMMENDED);
        if best.named.is_empty() && limits_cost(self.judged) {
            best = self.alone(&Tier::RATED);
        }
        self.warnings.append(&mut best.left_out);
        let Some(first) = best.named.first() else {
            return Err(format!("no endpoint can be recommended alone: {}", shortage(self.judged)));
        };
        if !RECOMMENDED.contains(&first.tier) {
            self.warnings.push(limits_cost_warning(first));
        }
        let provider = best.object(base, self.warnings);
        self.warnings.push(ONE_ONLY.to_owned());
        Ok((provider, best.named))
    }

    /// The cheapest tag of the tiers: of an endpoint that can be named alone, or of several that share it, at their mean
    /// by traffic.
    fn alone(&self, tiers: &[Tier]) -> Named<'a> {
        let mut left_out = Vec::new();
        let mut shared: Option<(f64, Vec<&'a Judged<'a>>)> = None;
        let mut single = None;
        for best in self.judged.iter().filter(|j| j.nameable(tiers)) {
            let twins: Vec<&Judged> =
                self.judged.iter().filter(|j| j.endpoint.tag == best.endpoint.tag).collect();
            let tag = best.endpoint.tag.as_str();
            if twins.len() == 1 {
                single = Some(best);
                break;
            }
            match mix(&twins).filter(|_| twins.iter().all(|twin| twin.good(&Tier::RATED))) {
                Some(cost) if shared.as_ref().is_none_or(|(least, _)| cost < *least) => {
                    shared = Some((cost, twins));
                }
                Some(_) => {}
                None => left_out.push(Sibling::LeftOut { tag, others: &[tag] }.to_string()),
            }
        }
        let own = single.and_then(|one| one.expected).unwrap_or(f64::INFINITY);
        let mut chosen = Vec::new();
        if let Some((cost, twins)) = &shared {
            let (tag, count, mix) = (twins[0].endpoint.tag.as_str(), twins.len(), *cost);
            let sibling = match single.filter(|_| own < mix) {
                Some(one) => {
                    Sibling::Expensive { tag, count, mix, instead: one.endpoint.tag.as_str(), cost: own }
                }
                None => Sibling::Mixed { tag, count, mix },
            };
            left_out.push(sibling.to_string());
            if matches!(sibling, Sibling::Mixed { .. }) {
                chosen = twins.iter().map(|twin| twin.position).collect();
            }
        }
        if chosen.is_empty() {
            chosen.extend(single.map(|one| one.position));
        }
        left_out.sort();
        left_out.dedup();
        Named { left_out, ..self.named(&chosen) }
    }

    fn named(&self, chosen: &[usize]) -> Named<'a> {
        let apart = apart(self.all, chosen);
        let mut left_out: Vec<String> = apart.left_out.into_iter().map(|(_, why)| why).collect();
        left_out.sort();
        left_out.dedup();
        let at = |position: usize| self.judged.iter().find(|j| j.position == position);
        Named { named: apart.named.into_iter().filter_map(at).collect(), ignore: apart.ignore, left_out }
    }
}

/// The expected cost of endpoints that the router cannot distinguish, by their traffic; `None` if it is unknown.
fn mix(twins: &[&Judged]) -> Option<f64> {
    let (mut sum, mut tokens) = (0.0, 0.0);
    for twin in twins {
        let weight = twin.endpoint.tokens_per_day?;
        sum += weight * twin.expected?;
        tokens += weight;
    }
    (tokens > 0.0).then(|| sum / tokens)
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
    let recommended = |j: &Judged| j.unfit.is_none() && j.thin.is_none() && RECOMMENDED.contains(&j.tier);
    let (kept, lost): (Vec<_>, Vec<_>) = judged.iter().filter(|j| recommended(j)).partition(|j| j.admitted());
    kept.is_empty() && !lost.is_empty()
}

fn limits_cost_warning(best: &Judged) -> String {
    format!("no endpoint better than tier {} meets the limits: relaxing them would lower the cost", best.tier)
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
