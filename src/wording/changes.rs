//! Recorded changes in sentences.

use crate::domain::event::EventKind;
use crate::domain::format::{percent_change, usd};
use crate::domain::record::Event;
use crate::domain::tier::{Lens, Tier};

/// Where something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A price rose or vanished, or an endpoint vanished, or a tier became worse.
    Worse,
    /// A price fell, or an endpoint was added, or a tier became better.
    Better,
}

/// A change as a sentence around the id of its model, so that pages can link the id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The host; empty if the sentence does not start with one.
    pub host: String,
    /// What follows the host, up to the model.
    pub before: String,
    /// What follows the model.
    pub after: String,
    /// Whether the change is good or bad for the payer; `None` if it is neither.
    pub direction: Option<Direction>,
}

impl Headline {
    fn new(host: &str, before: &str, after: String, direction: Option<Direction>) -> Self {
        Self { host: host.to_owned(), before: before.to_owned(), after, direction }
    }

    /// The whole sentence, with the id of the model.
    pub fn sentence(&self, model: Option<&str>) -> String {
        format!("{}{}{}{}", self.host, self.before, model.unwrap_or("its model"), self.after)
    }
}

/// The detail of a change of a tier: "Friendli: cache B → C".
pub fn tier_change(name: &str, lens: Lens, previous: Tier, tier: Tier) -> String {
    format!("{name}: {lens} {previous} → {tier}")
}

/// How pages name an endpoint in a sentence: the provider's name, and its tag if it says more.
pub fn host(name: Option<&str>, tag: &str) -> String {
    match name {
        Some(name) if !tag.contains('/') => name.to_owned(),
        Some(name) => format!("{name} ({tag})"),
        None => tag.to_owned(),
    }
}

/// The sentence of a change of an endpoint; `None` for a change that its detail describes by itself. `host` is the
/// result of [`host`].
pub fn headline(event: &Event, host: &str) -> Option<Headline> {
    Some(match event.kind {
        EventKind::EndpointGone => {
            Headline::new(host, " no longer serves ", String::new(), Some(Direction::Worse))
        }
        EventKind::EndpointAppeared => {
            Headline::new(host, " now serves ", String::new(), Some(Direction::Better))
        }
        EventKind::PriceChanged => {
            let moves = PriceMove::read(&event.detail)?;
            let direction = PriceMove::direction(&moves);
            Headline::new(host, ": list price of ", format!(": {}", PriceMove::in_words(&moves)), direction)
        }
        EventKind::TagChanged => {
            let (from, to) = event.detail.split_once(" is now ")?;
            Headline::new(from, &format!(" is now called {to} on "), String::new(), None)
        }
        EventKind::TierChanged | EventKind::WindowChanged | EventKind::RecommendationChanged => return None,
    })
}

/// The change of one list price, USD per million tokens; `None` if it is not listed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PriceMove {
    what: &'static str,
    from: Option<f64>,
    to: Option<f64>,
}

impl PriceMove {
    /// The prices that changed, from the detail that the record stores: the last six amounts, before and after, each as
    /// input, cache read and output.
    fn read(detail: &str) -> Option<Vec<Self>> {
        let (_, prices) = detail.rsplit_once(" changed from ")?;
        let (from, to) = prices.split_once(" to ")?;
        let triple = |text: &str| -> Option<Vec<Option<f64>>> {
            let prices: Option<Vec<Option<f64>>> = text
                .split(" / ")
                .map(|price| match price.trim() {
                    "-" => Some(None),
                    price => price.parse().ok().filter(|price: &f64| price.is_finite()).map(Some),
                })
                .collect();
            prices.filter(|prices| prices.len() == 3)
        };
        let (from, to) = (triple(from)?, triple(to)?);
        let all = ["input", "cache read", "output"].into_iter().zip(from).zip(to);
        let moved = all.map(|((what, from), to)| Self { what, from, to }).filter(|one| one.from != one.to);
        Some(moved.collect::<Vec<_>>()).filter(|moves| !moves.is_empty())
    }

    fn change(&self) -> Option<f64> {
        let (from, to) = self.from.zip(self.to)?;
        (from > 0.0).then(|| to / from - 1.0)
    }

    /// "input −22 % ($0.088 → $0.068)".
    fn words(&self) -> String {
        match (self.from, self.to, self.change()) {
            (Some(from), Some(to), Some(change)) => {
                format!("{} {} ({} → {})", self.what, percent(change), usd(from), usd(to))
            }
            (Some(from), Some(to), None) => format!("{} {} → {}", self.what, usd(from), usd(to)),
            (None, Some(to), _) => format!("{} now {}", self.what, usd(to)),
            (_, None, _) => format!("{} no longer listed", self.what),
        }
    }

    /// The moves as one text; equal percentages are written once.
    fn in_words(moves: &[Self]) -> String {
        let changes: Vec<String> = moves.iter().filter_map(Self::change).map(percent).collect();
        let is_same = changes.len() == moves.len() && changes.windows(2).all(|pair| pair[0] == pair[1]);
        if let (true, [first, _, ..]) = (is_same, moves) {
            let ends = |one: &Self| Some(format!("{} {} → {}", one.what, usd(one.from?), usd(one.to?)));
            let all: Vec<String> = moves.iter().filter_map(ends).collect();
            let change = first.change().map(percent).unwrap_or_default();
            return format!("{change} ({})", all.join(", "));
        }
        moves.iter().map(Self::words).collect::<Vec<_>>().join(", ")
    }

    /// Worse if a price rose or vanished, whatever the others did; otherwise better if one fell. A price that is new is
    /// neither.
    fn direction(moves: &[Self]) -> Option<Direction> {
        let worse = |one: &Self| one.from.is_some() && (one.to.is_none() || one.to > one.from);
        let better = |one: &Self| one.from.zip(one.to).is_some_and(|(from, to)| to < from);
        if moves.iter().any(worse) {
            return Some(Direction::Worse);
        }
        moves.iter().any(better).then_some(Direction::Better)
    }
}

/// A change in whole percent, or with one decimal below that, with a typographic minus.
fn percent(change: f64) -> String {
    let decimals = usize::from(change.abs() < 0.095);
    percent_change(change, decimals).replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, detail: &str) -> Event {
        Event {
            at: "2026-08-08T15:31:00Z".parse().expect("a time"),
            kind,
            model_id: Some("z-ai/glm-5.2".to_owned()),
            tag: Some("azure".to_owned()),
            provider: None,
            detail: detail.to_owned(),
        }
    }

    fn sentence(kind: EventKind, detail: &str) -> Option<String> {
        let event = event(kind, detail);
        Some(headline(&event, "Azure")?.sentence(event.model_id.as_deref()))
    }

    #[test]
    fn endpoints_come_and_go_in_plain_words() {
        assert_eq!(
            sentence(EventKind::EndpointGone, "endpoint azure was removed").as_deref(),
            Some("Azure no longer serves z-ai/glm-5.2")
        );
        assert_eq!(
            sentence(EventKind::EndpointAppeared, "endpoint azure was added").as_deref(),
            Some("Azure now serves z-ai/glm-5.2")
        );
        assert_eq!(
            sentence(EventKind::TagChanged, "azure is now azure/eu").as_deref(),
            Some("azure is now called azure/eu on z-ai/glm-5.2")
        );
        assert_eq!(
            (host(Some("Azure"), "azure"), host(Some("Azure"), "azure/eu")),
            ("Azure".into(), "Azure (azure/eu)".into())
        );
    }

    #[test]
    fn prices_change_in_percent() {
        let start = "list price (input / cache read / output, USD per million tokens) changed from";
        let of = |prices: &str| sentence(EventKind::PriceChanged, &format!("{start} {prices}"));
        assert_eq!(
            of("0.1 / 0.02 / 0.2 to 0.078 / 0.0156 / 0.156").as_deref(),
            Some(
                "Azure: list price of z-ai/glm-5.2: \u{2212}22 % (input $0.10 → $0.078, cache read $0.02 → $0.0156, output $0.20 → $0.156)"
            )
        );
        assert_eq!(
            of("1 / - / 4 to 1 / 0.1 / 5").as_deref(),
            Some("Azure: list price of z-ai/glm-5.2: cache read now $0.10, output +25 % ($4.00 → $5.00)")
        );
        assert_eq!(
            of("1 / 0.1 / 4 to 1 / - / 3.8").as_deref(),
            Some(
                "Azure: list price of z-ai/glm-5.2: cache read no longer listed, output \u{2212}5.0 % ($4.00 → $3.80)"
            )
        );
    }

    #[test]
    fn a_price_that_rises_or_vanishes_is_worse_whatever_the_others_do() {
        let start = "list price (input / cache read / output, USD per million tokens) changed from";
        let of = |prices: &str| {
            headline(&event(EventKind::PriceChanged, &format!("{start} {prices}")), "x")
                .and_then(|h| h.direction)
        };
        assert_eq!(of("1 / - / 4 to 1 / - / 5"), Some(Direction::Worse));
        assert_eq!(of("1 / - / 4 to 0.9 / - / 4"), Some(Direction::Better));
        assert_eq!(of("1 / - / 4 to 0.9 / - / 5"), Some(Direction::Worse));
        assert_eq!(of("1 / 0.1 / 4 to 1 / - / 3.8"), Some(Direction::Worse));
        assert_eq!(of("1 / 0.1 / 4 to 1 / - / 4"), Some(Direction::Worse));
        assert_eq!(of("0 / - / 4 to 1 / - / 4"), Some(Direction::Worse));
        assert_eq!(of("1 / - / 4 to 1 / 0.1 / 4"), None);
        assert_eq!(of("1 / - / 4 to 0.9 / 0.1 / 4"), Some(Direction::Better));
    }

    #[test]
    fn a_detail_in_another_form_is_left_to_itself() {
        for detail in [
            "",
            "changed",
            "list price changed from 1 / 2 to 3 / 4",
            "x changed from NaN / 1 / 1 to 1 / 1 / 1",
        ] {
            assert_eq!(sentence(EventKind::PriceChanged, detail), None, "{detail}");
        }
        assert_eq!(sentence(EventKind::TierChanged, "Friendli: cache B → C"), None);
        assert_eq!(tier_change("Friendli", Lens::Cache, Tier::B, Tier::C), "Friendli: cache B → C");
    }
}
