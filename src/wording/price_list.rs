//! What the price list of a model is worth: whether the lowest list price has the cheapest session.

use crate::domain::thresholds::LIST_MISLEADS_FROM;
use std::fmt;

/// How the lowest list price of a model compares with its cheapest session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListVerdict {
    /// One host has the lowest list price, and the cheapest session.
    Right,
    /// Several hosts share the lowest list price, and one of them has the cheapest session.
    Tie,
    /// Another host has a cheaper session, but by less than [`LIST_MISLEADS_FROM`], or the intervals of the two overlap.
    Close,
    /// Another host has a cheaper session by at least that, with intervals apart.
    Misleads,
}

impl ListVerdict {
    /// Judges the cost of the list's choice against the cheapest session: each with the ends of its interval, if known.
    /// `is_same` states that they are the same host, `hosts` how many share the lowest list price.
    pub fn of(
        is_same: bool,
        hosts: usize,
        (list, list_ends): (f64, Option<(f64, f64)>),
        (best, best_ends): (f64, Option<(f64, f64)>),
    ) -> Self {
        if is_same {
            return if hosts > 1 { Self::Tie } else { Self::Right };
        }
        let is_apart = list_ends.zip(best_ends).is_some_and(|(list, best)| list.0 > best.1);
        if is_apart && list >= best * (1.0 + LIST_MISLEADS_FROM) { Self::Misleads } else { Self::Close }
    }
}

impl fmt::Display for ListVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Right => "The price list is right here.",
            Self::Tie => "The price list does not decide here.",
            Self::Close => "The price list is nearly right here.",
            Self::Misleads => "The price list misleads here.",
        })
    }
}

/// The place of a host among those with the lowest list price, as a noun: "one of 5 hosts at the lowest list price".
pub fn place(hosts: usize) -> String {
    if hosts > 1 {
        format!("one of {hosts} hosts at the lowest list price")
    } else {
        "the host with the lowest list price".to_owned()
    }
}

/// What a saving is compared with if this many endpoints have the lowest list price: with their mean, if several do.
pub fn reference(endpoints: usize) -> String {
    if endpoints > 1 {
        format!("a random one of the {endpoints} endpoints at the lowest list price")
    } else {
        "the lowest list price".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_misleads_only_from_a_bound_on_and_with_intervals_apart() {
        let of = |list: f64, spread: f64| {
            let ends = |cost: f64| (cost, Some((cost * (1.0 - spread), cost * (1.0 + spread))));
            ListVerdict::of(false, 1, ends(list), ends(1.0))
        };
        assert_eq!(of(1.04, 0.001), ListVerdict::Close, "the difference is small");
        assert_eq!(of(1.06, 0.01), ListVerdict::Misleads);
        assert_eq!(of(1.06, 0.04), ListVerdict::Close, "the intervals overlap");
        let unknown = ListVerdict::of(false, 1, (2.0, None), (1.0, Some((0.9, 1.1))));
        assert_eq!(unknown, ListVerdict::Close, "an unknown interval");
        let same = |hosts| ListVerdict::of(true, hosts, (1.0, None), (1.0, None));
        assert_eq!((same(1), same(5)), (ListVerdict::Right, ListVerdict::Tie));
    }

    #[test]
    fn ties_are_counted() {
        assert_eq!(place(5), "one of 5 hosts at the lowest list price");
        assert_eq!(place(1), "the host with the lowest list price");
        assert_eq!(reference(3), "a random one of the 3 endpoints at the lowest list price");
        assert_eq!(reference(1), "the lowest list price");
        assert_eq!(ListVerdict::Misleads.to_string(), "The price list misleads here.");
    }
}
