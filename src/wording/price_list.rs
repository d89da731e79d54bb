//! What the price list of a model is worth: whether the lowest list price has the cheapest session.

use crate::domain::thresholds::LIST_MISLEADS_FROM;
use serde::Serialize;
use std::fmt;
use utoipa::ToSchema;

/// How the lowest list price of a model compares with its cheapest session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListVerdict {
    /// One host has the lowest list price, and the cheapest session.
    Right,
    /// Several hosts share the lowest list price, and one of them has the cheapest session.
    Tie,
    /// Another host has a cheaper session, but the difference is below the threshold `list_misleads_from`.
    Close,
    /// Another host has a cheaper session by at least that share, but the intervals of the two overlap, or one of them
    /// is unknown.
    Uncertain,
    /// Another host has a cheaper session by at least that share, with intervals apart.
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
        match list >= best * (1.0 + LIST_MISLEADS_FROM) {
            false => Self::Close,
            true if is_apart => Self::Misleads,
            true => Self::Uncertain,
        }
    }

    /// What follows a difference that does not call the list wrong.
    pub fn caveat(self) -> Option<&'static str> {
        match self {
            Self::Right | Self::Tie | Self::Misleads => None,
            Self::Close => Some("That is too little to call the list wrong."),
            Self::Uncertain => {
                Some("The intervals of the two overlap or are unknown, so the difference is uncertain.")
            }
        }
    }
}

impl fmt::Display for ListVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Right => "The price list is right here.",
            Self::Tie => "The price list does not decide here.",
            Self::Close => "The price list is nearly right here.",
            Self::Uncertain => "The price list may be wrong here.",
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

/// Why there is no conclusion: nothing can be compared.
pub const NO_CHOICE: &str = "No endpoint can be compared.";

/// How a surface writes amounts in USD, fractions and untrusted tags.
pub struct Style {
    /// Writes an amount.
    pub usd: fn(f64) -> String,
    /// Writes a fraction as a percentage.
    pub percent: fn(f64) -> String,
    /// Writes a tag.
    pub tag: fn(&str) -> String,
}

/// States that an endpoint (its tag and the cost of its session, USD) is the only one that can be compared.
pub fn only_choice((tag, cost): (&str, f64), style: &Style) -> String {
    format!("{} is the only endpoint that can be compared ({}).", (style.tag)(tag), (style.usd)(cost))
}

/// The cheapest session of a model and the session at its lowest list price; amounts in USD.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conclusion<'a> {
    /// How the two compare.
    pub verdict: ListVerdict,
    /// Tag and cost of the cheapest session.
    pub best: (&'a str, f64),
    /// Tag and cost of the list's choice.
    pub list: (&'a str, f64),
    /// Extra cost of the list's choice, as a fraction; `None` if the cheapest session is free.
    pub surcharge: Option<f64>,
    /// Number of hosts that share the lowest list price.
    pub hosts: usize,
    /// The most expensive session among those.
    pub most: f64,
}

impl Conclusion<'_> {
    /// The verdict, then the two sessions, and the range among hosts that share the lowest list price.
    pub fn in_sentences(&self, style: &Style) -> String {
        let Self { verdict, best, list, hosts, .. } = *self;
        let named = |(tag, cost): (&str, f64)| ((style.tag)(tag), (style.usd)(cost));
        let mut text = match verdict {
            ListVerdict::Right | ListVerdict::Tie => {
                let (tag, usd) = named(list);
                format!("{verdict} {tag} is the cheapest in practice ({usd}), and it is {}.", place(hosts))
            }
            ListVerdict::Close | ListVerdict::Uncertain | ListVerdict::Misleads => {
                let ((tag, usd), (listed, cost)) = (named(best), named(list));
                let place = place(hosts);
                let more =
                    self.surcharge.map_or_else(String::new, |s| format!(", {} more", (style.percent)(s)));
                format!(
                    "{verdict} {tag} is the cheapest in practice ({usd}). At {listed}, {place}, a session costs {cost}{more}."
                )
            }
        };
        if let Some(caveat) = verdict.caveat() {
            text = format!("{text} {caveat}");
        }
        if hosts > 1 {
            let most = (style.usd)(self.most);
            text = format!("{text} At the most expensive host with that list price it costs {most}.");
        }
        text
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
        assert_eq!(of(1.06, 0.04), ListVerdict::Uncertain, "the intervals overlap");
        let unknown = ListVerdict::of(false, 1, (2.0, None), (1.0, Some((0.9, 1.1))));
        assert_eq!(unknown, ListVerdict::Uncertain, "an unknown interval");
        let small = ListVerdict::of(false, 1, (1.04, None), (1.0, None));
        assert_eq!(small, ListVerdict::Close, "a small difference is small with or without an interval");
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

    #[test]
    fn a_conclusion_names_both_sessions_and_counts_the_hosts() {
        let style = Style {
            usd: |amount| format!("${amount:.2}"),
            percent: |share| format!("{:.0} %", share * 100.0),
            tag: str::to_owned,
        };
        let said = |verdict, hosts| {
            let (best, list) = (("quarry/fp8", 0.24), ("mirage", 0.3));
            let list = if matches!(verdict, ListVerdict::Right | ListVerdict::Tie) { best } else { list };
            Conclusion { verdict, best, list, surcharge: Some(0.25), hosts, most: 0.5 }.in_sentences(&style)
        };
        assert_eq!(
            said(ListVerdict::Right, 1),
            "The price list is right here. quarry/fp8 is the cheapest in practice ($0.24), and it is the host with the \
             lowest list price."
        );
        assert_eq!(
            said(ListVerdict::Tie, 3),
            "The price list does not decide here. quarry/fp8 is the cheapest in practice ($0.24), and it is one of 3 \
             hosts at the lowest list price. At the most expensive host with that list price it costs $0.50."
        );
        assert_eq!(
            said(ListVerdict::Misleads, 1),
            "The price list misleads here. quarry/fp8 is the cheapest in practice ($0.24). At mirage, the host with the \
             lowest list price, a session costs $0.30, 25 % more."
        );
        let close = said(ListVerdict::Close, 2);
        assert!(close.contains("At mirage, one of 2 hosts at the lowest list price, a session"), "{close}");
        assert!(close.ends_with(
            "25 % more. That is too little to call the list wrong. At the most expensive host with that list price it \
             costs $0.50."
        ));
        assert_eq!(
            said(ListVerdict::Uncertain, 1),
            "The price list may be wrong here. quarry/fp8 is the cheapest in practice ($0.24). At mirage, the host with \
             the lowest list price, a session costs $0.30, 25 % more. The intervals of the two overlap or are unknown, so \
             the difference is uncertain."
        );
        assert_eq!(
            only_choice(("mirage", 0.3), &style),
            "mirage is the only endpoint that can be compared ($0.30)."
        );
    }
}
