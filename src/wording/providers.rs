//! The verdict on a provider in sentences, and its tiers in words.

use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_list::ProviderTier;
use std::collections::BTreeMap;

/// How often the models of a provider differ clearly from the same models at other hosts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// Compared models.
    pub compared: usize,
    /// Models that are at tier A or better.
    pub better: usize,
    /// Models that are at tier C or worse.
    pub worse: usize,
}

impl Record {
    fn same(self) -> usize {
        self.compared.saturating_sub(self.better + self.worse)
    }
}

/// The words of a lens: better, worse, and neither.
fn words(lens: Lens) -> (&'static str, &'static str, &'static str) {
    match lens {
        Lens::Cost => ("is cheaper", "is more expensive", "costs about the same"),
        Lens::Cache => ("caches more", "caches less", "caches about as much"),
        Lens::Reliability => ("is more reliable", "is less reliable", "is about as reliable"),
        Lens::Speed => ("is faster", "is slower", "is about as fast"),
        Lens::Overall => ("is better", "is worse", "is about as good"),
    }
}

/// The verdict under a lens: "Cloudflare is more expensive than its peers only on some models: 5 of 12. It is cheaper on
/// 2 and costs about the same on 5."
pub fn verdict(subject: &str, lens: Lens, of: Record) -> String {
    let (better, worse, same) = words(lens);
    let n = of.compared;
    let all = match n {
        0 => return format!("{subject} has no model with enough traffic that other hosts serve too."),
        1 => "on the one compared model".to_owned(),
        2 => "on both compared models".to_owned(),
        n => format!("on all {n} compared models"),
    };
    let about_same = |start: &str| match of.same() {
        0 => String::new(),
        count => format!("{start}{same} on {}", rest(count)),
    };
    match (of.better, of.worse) {
        (0, 0) => format!("{subject} {same} as its peers {all}."),
        (count, 0) if count == n => format!("{subject} {better} than its peers {all}."),
        (0, count) if count == n => format!("{subject} {worse} than its peers {all}."),
        (count, 0) => {
            format!("{subject} {better} than its peers on {count} of {n} models{}.", about_same(" and "))
        }
        (0, count) if 2 * count > n => {
            format!("{subject} {worse} than its peers on {count} of {n} models{}.", about_same(" and "))
        }
        (0, count) => {
            format!(
                "{subject} {worse} than its peers only on some models: {count} of {n}. It {same} on the others."
            )
        }
        (good, bad) if bad >= good => {
            // Most of its models are not "only some".
            let on = match 2 * bad > n {
                true => format!("on {bad} of {n} models"),
                false => format!("only on some models: {bad} of {n}"),
            };
            format!("{subject} {worse} than its peers {on}. It {better} on {good}{}.", about_same(" and "))
        }
        (good, bad) => format!(
            "{subject} {better} than its peers on {good} of {n} models. It {worse} on {bad}{}.",
            about_same(" and ")
        ),
    }
}

fn rest(count: usize) -> String {
    if count == 1 { "the other one".to_owned() } else { format!("the other {count}") }
}

/// A tier from this probability on is certain enough to stand alone; one below the second is not mentioned.
const ALMOST_CERTAIN: f64 = 0.9;
const WORTH_A_WORD: f64 = 0.1;

/// How certain a tier is: "likely B; A or C possible". `None` without probabilities.
pub fn likely(probabilities: &BTreeMap<Tier, f64>) -> Option<String> {
    let mut all: Vec<(Tier, f64)> = probabilities.iter().map(|(tier, share)| (*tier, *share)).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (first, share) = *all.first()?;
    let mut others: Vec<Tier> =
        all.iter().skip(1).filter(|(_, share)| *share >= WORTH_A_WORD).map(|(tier, _)| *tier).collect();
    others.sort();
    let others: Vec<&str> = others.iter().map(|tier| tier.as_str()).collect();
    Some(match others.as_slice() {
        [] if share >= ALMOST_CERTAIN => format!("almost certainly {first}"),
        [] => format!("likely {first}"),
        [one] => format!("likely {first}; {one} possible"),
        [start @ .., last] => format!("likely {first}; {} or {last} possible", start.join(", ")),
    })
}

/// Since when a tier has applied, and where it is heading: "since 24 July 2026 (was D); heading for B". `None` for an
/// unrated provider.
pub fn since(row: &ProviderTier) -> Option<String> {
    let since = row.since?.format("%-d %B %Y");
    let before = row.previous.map(|tier| format!(" (was {tier})")).unwrap_or_default();
    let heading = match row.naive {
        naive if naive == row.tier || naive == Tier::Unrated => String::new(),
        naive if row.cap == Some(row.tier) => format!("; {naive} without a gate"),
        naive => format!("; heading for {naive}"),
    };
    Some(format!("since {since}{before}{heading}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(compared: usize, better: usize, worse: usize) -> Record {
        Record { compared, better, worse }
    }

    #[test]
    fn the_verdict_names_how_many_models_are_meant() {
        for (lens, of, expected) in [
            (
                Lens::Cost,
                record(12, 0, 5),
                "X is more expensive than its peers only on some models: 5 of 12. It costs about the same on the others.",
            ),
            (
                Lens::Cost,
                record(12, 3, 5),
                "X is more expensive than its peers only on some models: 5 of 12. It is cheaper on 3 and costs about the same on the other 4.",
            ),
            (
                Lens::Cost,
                record(12, 5, 3),
                "X is cheaper than its peers on 5 of 12 models. It is more expensive on 3 and costs about the same on the other 4.",
            ),
            (
                Lens::Cost,
                record(8, 2, 6),
                "X is more expensive than its peers on 6 of 8 models. It is cheaper on 2.",
            ),
            (Lens::Cost, record(4, 4, 0), "X is cheaper than its peers on all 4 compared models."),
            (
                Lens::Cost,
                record(4, 3, 0),
                "X is cheaper than its peers on 3 of 4 models and costs about the same on the other one.",
            ),
            (Lens::Cost, record(2, 0, 2), "X is more expensive than its peers on both compared models."),
            (Lens::Cost, record(3, 0, 0), "X costs about the same as its peers on all 3 compared models."),
            (Lens::Cache, record(1, 0, 0), "X caches about as much as its peers on the one compared model."),
            (Lens::Cost, record(0, 0, 0), "X has no model with enough traffic that other hosts serve too."),
        ] {
            assert_eq!(verdict("X", lens, of), expected);
        }
    }

    #[test]
    fn a_tier_is_as_certain_as_its_resamples() {
        let of = |shares: &[(Tier, f64)]| likely(&shares.iter().copied().collect());
        assert_eq!(
            of(&[(Tier::A, 0.2), (Tier::B, 0.6), (Tier::C, 0.2)]).as_deref(),
            Some("likely B; A or C possible")
        );
        assert_eq!(of(&[(Tier::B, 0.95), (Tier::C, 0.05)]).as_deref(), Some("almost certainly B"));
        assert_eq!(of(&[(Tier::S, 0.7), (Tier::A, 0.3)]).as_deref(), Some("likely S; A possible"));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_tier_that_is_held_names_where_it_is_heading() {
        let day = "2026-07-24".parse().ok();
        let row = ProviderTier {
            tier: Tier::C,
            naive: Tier::B,
            since: day,
            previous: Some(Tier::D),
            ..ProviderTier::default()
        };
        assert_eq!(since(&row).as_deref(), Some("since 24 July 2026 (was D); heading for B"));
        let capped = ProviderTier { cap: Some(Tier::C), ..row.clone() };
        assert_eq!(since(&capped).as_deref(), Some("since 24 July 2026 (was D); B without a gate"));
        let settled = ProviderTier { naive: Tier::C, previous: None, ..row };
        assert_eq!(since(&settled).as_deref(), Some("since 24 July 2026"));
    }
}
