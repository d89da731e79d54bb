//! Which endpoints of a model an entry of `only` or `ignore` matches.

use crate::snapshot::Endpoint;
use crate::wording::preferences::Sibling;

/// Service tiers are separate endpoints that a base slug does not match.
const SERVICE_TIERS: [&str; 2] = ["priority", "flex"];

/// Whether `entry` matches an endpoint: by its whole tag, or, if it has no slash, by its provider's base slug.
pub(super) fn matches(entry: &str, endpoint: &Endpoint) -> bool {
    let tag = endpoint.tag.as_str();
    if entry == tag {
        return true;
    }
    match tag.split_once('/') {
        Some((base, rest)) => entry == base && !SERVICE_TIERS.contains(&rest),
        None => false,
    }
}

/// The positions of the `chosen` endpoints (positions in `all`) whose tags match no other endpoint, in the order of
/// `chosen`. For each endpoint whose tag does match another: its position and the reason.
pub(super) fn nameable(all: &[Endpoint], chosen: &[usize]) -> (Vec<usize>, Vec<(usize, String)>) {
    let (mut named, mut left_out) = (Vec::new(), Vec::new());
    for &position in chosen {
        let tag = all[position].tag.as_str();
        let others: Vec<&str> = strangers(all, chosen, tag).map(|e| e.tag.as_str()).collect();
        if others.is_empty() {
            named.push(position);
        } else {
            left_out.push((position, Sibling::LeftOut { tag, others: &others }.to_string()));
        }
    }
    (named, left_out)
}

/// How chosen endpoints are named in `only`: tags that are sent together with the siblings to exclude.
pub(super) struct Apart {
    /// Positions of the endpoints that can be named, in the order of the choice.
    pub named: Vec<usize>,
    /// The siblings that their tags would also match, each by its full tag, for `ignore`.
    pub ignore: Vec<String>,
    /// Positions that cannot be named, because another endpoint has the same tag, and the reason.
    pub left_out: Vec<(usize, String)>,
}

/// Names the `chosen` endpoints (positions in `all`) and nothing else. A tag that would also match siblings is kept if
/// `ignore` can exclude all of them: only an endpoint with exactly the same tag cannot be excluded.
pub(super) fn apart(all: &[Endpoint], chosen: &[usize]) -> Apart {
    let is_twin = |position: &usize| {
        let tag = &all[*position].tag;
        strangers(all, chosen, tag.as_str()).any(|other| other.tag == *tag)
    };
    let (twins, named): (Vec<usize>, Vec<usize>) = chosen.iter().partition(|position| is_twin(position));
    let left_out = twins.into_iter().map(|position| {
        let tag = all[position].tag.as_str();
        (position, Sibling::LeftOut { tag, others: &[tag] }.to_string())
    });
    let left_out = left_out.collect();
    let siblings = named.iter().flat_map(|position| strangers(all, &named, all[*position].tag.as_str()));
    let mut ignore: Vec<String> = siblings.map(|other| other.tag.to_string()).collect();
    ignore.sort();
    ignore.dedup();
    Apart { named, ignore, left_out }
}

/// The endpoints other than `endpoint` that its tag matches.
pub(super) fn siblings<'a>(
    all: &'a [Endpoint],
    endpoint: &'a Endpoint,
) -> impl Iterator<Item = &'a Endpoint> {
    let is_other = |other: &&Endpoint| other.endpoint_id != endpoint.endpoint_id;
    all.iter().filter(is_other).filter(|other| matches(endpoint.tag.as_str(), other))
}

/// The endpoints that a tag matches and that were not chosen.
fn strangers<'a>(
    all: &'a [Endpoint],
    chosen: &'a [usize],
    tag: &'a str,
) -> impl Iterator<Item = &'a Endpoint> {
    let matched = move |(position, endpoint): (usize, &'a Endpoint)| {
        (!chosen.contains(&position) && matches(tag, endpoint)).then_some(endpoint)
    };
    all.iter().enumerate().filter_map(matched)
}
