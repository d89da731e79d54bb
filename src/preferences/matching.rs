//! Which endpoints of a model an entry of `only` or `ignore` matches.

use crate::snapshot::Endpoint;

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
            left_out.push((position, ambiguous(tag, &others)));
        }
    }
    (named, left_out)
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

fn ambiguous(tag: &str, others: &[&str]) -> String {
    let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
    format!("`{tag}` is left out: it would also match {}, with a different verdict", others.join(", "))
}
