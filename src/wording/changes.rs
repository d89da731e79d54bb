//! Recorded changes in sentences.

use super::change_words::{
    deprecation_words, fact_words, number_moved, parameters_words, signed_percent, whole,
};
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, percent};
use crate::domain::format::usd;
use crate::domain::tier::{Lens, Tier};
use crate::domain::window::WindowKind;
use chrono::{DateTime, Utc};

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

/// The detail of a change of a recommendation: "azure, fireworks → azure".
pub fn recommendation_change(before: &[String], after: &[String]) -> String {
    let names = |tags: &[String]| if tags.is_empty() { "none".to_owned() } else { tags.join(", ") };
    format!("{} → {}", names(before), names(after))
}

/// The detail of a change of the window of the usage summaries.
pub fn window_change(before: WindowKind, after: WindowKind) -> String {
    format!("usage summaries now cover `{after}` instead of `{before}`")
}

/// How pages name an endpoint in a sentence: the provider's name, and its tag if it says more.
pub fn host(name: Option<&str>, tag: &str) -> String {
    match name {
        Some(name) if !tag.contains('/') => name.to_owned(),
        Some(name) => format!("{name} ({tag})"),
        None => tag.to_owned(),
    }
}

/// The sentence of changes of one endpoint or model in one run; `None` for changes that their `why` describes by itself.
/// Several are prices of one endpoint, which are one sentence. `host` is the result of [`host`].
pub fn headline(changes: &[&Change], host: &str) -> Option<Headline> {
    let change = *changes.first()?;
    Some(match change.kind {
        ChangeKind::EndpointGone => {
            Headline::new(host, " no longer serves ", String::new(), Some(Direction::Worse))
        }
        ChangeKind::EndpointAppeared => {
            Headline::new(host, " now serves ", String::new(), Some(Direction::Better))
        }
        ChangeKind::ModelAppeared => {
            Headline::new("", "", " is now listed".to_owned(), Some(Direction::Better))
        }
        ChangeKind::ModelGone => {
            Headline::new("", "", " is no longer listed".to_owned(), Some(Direction::Worse))
        }
        ChangeKind::PriceChanged => {
            let moves: Vec<PriceMove> = changes.iter().filter_map(|change| PriceMove::of(change)).collect();
            let mut words = PriceMove::in_words(&moves);
            if changes.iter().any(|change| change.field == Some(ChangedField::PriceTiers)) {
                words.push("conditional prices changed".to_owned());
            }
            // What a session costs decides, if it is known.
            let session =
                change.session.and_then(|session| session.percent).filter(|percent| *percent != 0.0);
            let direction = match session {
                Some(percent) => Some(if percent > 0.0 { Direction::Worse } else { Direction::Better }),
                None => PriceMove::direction(&moves),
            };
            // An imported price may be that of a model as a whole.
            let before = if host.is_empty() { "List price of " } else { ": list price of " };
            Headline::new(host, before, format!(": {}", words.join(", ")), direction)
        }
        ChangeKind::PriceSchedule => {
            Headline::new(host, ": list price of ", format!(" follows a schedule: {}", change.why), None)
        }
        ChangeKind::EndpointChanged => {
            let facts: Vec<String> = changes.iter().filter_map(|change| fact(change)).collect();
            (!facts.is_empty())
                .then(|| Headline::new(host, " on ", format!(": {}", facts.join("; ")), None))?
        }
        ChangeKind::Deprecation => {
            let time = |value: &Option<ChangeValue>| match value {
                Some(ChangeValue::Text(text)) => text.parse::<DateTime<Utc>>().ok(),
                _ => None,
            };
            let words = deprecation_words(time(&change.before), time(&change.after));
            let direction = if change.after.is_some() { Direction::Worse } else { Direction::Better };
            Headline::new(host, " on ", format!(": {words}"), Some(direction))
        }
        ChangeKind::TagChanged => {
            let (Some(ChangeValue::Text(from)), Some(ChangeValue::Text(to))) =
                (&change.before, &change.after)
            else {
                return None;
            };
            Headline::new(from, &format!(" is now called {to} on "), String::new(), None)
        }
        _ => return None,
    })
}

/// A changed fact in words.
fn fact(change: &Change) -> Option<String> {
    let words = |value: &Option<ChangeValue>| {
        value.as_ref().map(|value| match value {
            ChangeValue::Flag(true) => "yes".to_owned(),
            ChangeValue::Flag(false) => "no".to_owned(),
            ChangeValue::Number(number) => whole(*number as i64),
            ChangeValue::Text(text) => text.clone(),
            ChangeValue::List(names) => names.join(", "),
        })
    };
    if let (Some(ChangeValue::List(removed)), Some(ChangeValue::List(added))) =
        (&change.before, &change.after)
    {
        return Some(parameters_words(removed, added));
    }
    let (from, to) = (words(&change.before), words(&change.after));
    Some(fact_words(change.field?, from.as_deref(), to.as_deref()))
}

/// The change of one list price, USD per million tokens; `None` if it is not listed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct PriceMove {
    field: ChangedField,
    from: Option<f64>,
    to: Option<f64>,
}

impl PriceMove {
    /// The price of a change; `None` for conditional prices.
    fn of(change: &Change) -> Option<Self> {
        let field = change.field.filter(|field| *field != ChangedField::PriceTiers)?;
        let number = |value: &Option<ChangeValue>| value.as_ref().and_then(ChangeValue::number);
        Some(Self { field, from: number(&change.before), to: number(&change.after) })
    }

    fn is_price(&self) -> bool {
        self.field != ChangedField::Discount
    }

    fn change(&self) -> Option<f64> {
        Some(percent(self.from, self.to)? / 100.0)
    }

    /// The moves as texts; equal percentages of prices are written once.
    fn in_words(moves: &[Self]) -> Vec<String> {
        let words = |one: &Self| number_moved(one.field, one.from, one.to);
        let prices: Vec<&Self> = moves.iter().filter(|one| one.is_price()).collect();
        let changes: Vec<String> = prices.iter().filter_map(|one| one.change()).map(signed_percent).collect();
        let is_same = changes.len() == prices.len() && changes.windows(2).all(|pair| pair[0] == pair[1]);
        if let (true, [_, _, ..], Some(change)) = (is_same, prices.as_slice(), changes.first()) {
            let ends = |one: &&Self| {
                let name = super::change_words::field_in_words(one.field);
                Some(format!("{name} {} → {}", usd(one.from?), usd(one.to?)))
            };
            let all: Vec<String> = prices.iter().filter_map(ends).collect();
            let others = moves.iter().filter(|one| !one.is_price()).map(words);
            return std::iter::once(format!("{change} ({})", all.join(", "))).chain(others).collect();
        }
        moves.iter().map(words).collect()
    }

    /// Worse if a price rose or vanished, whatever the others did; otherwise better if one fell. A price that is new is
    /// neither.
    fn direction(moves: &[Self]) -> Option<Direction> {
        let worse = |one: &Self| one.from.is_some() && (one.to.is_none() || one.to > one.from);
        let better = |one: &Self| one.from.zip(one.to).is_some_and(|(from, to)| to < from);
        if moves.iter().filter(|one| one.is_price()).any(worse) {
            return Some(Direction::Worse);
        }
        moves.iter().filter(|one| one.is_price()).any(better).then_some(Direction::Better)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::change::SessionChange;
    use crate::domain::ids::Tag;

    fn change(kind: ChangeKind) -> Change {
        Change {
            model_id: Some("z-ai/glm-5.2".to_owned()),
            tag: Some(Tag::new("azure")),
            ..Change::new("2026-08-08T15:31:00Z".parse().expect("a time"), kind)
        }
    }

    fn sentence(changes: &[Change]) -> Option<String> {
        let all: Vec<&Change> = changes.iter().collect();
        Some(headline(&all, "Azure")?.sentence(changes[0].model_id.as_deref()))
    }

    fn prices(moves: [(ChangedField, Option<f64>, Option<f64>); 3]) -> Vec<Change> {
        let moved = moves.into_iter().filter(|(_, from, to)| from != to);
        let price = |(field, from, to): (ChangedField, Option<f64>, Option<f64>)| Change {
            field: Some(field),
            before: from.map(ChangeValue::Number),
            after: to.map(ChangeValue::Number),
            ..change(ChangeKind::PriceChanged)
        };
        moved.map(price).collect()
    }

    /// Input, cache read and output, before and after; 0 is a price that is not listed.
    fn of(before: [f64; 3], after: [f64; 3]) -> Vec<Change> {
        let fields = [ChangedField::ListInput, ChangedField::ListCacheRead, ChangedField::ListOutput];
        let listed = |price: f64| Some(price).filter(|price| *price > 0.0);
        prices([0, 1, 2].map(|at| (fields[at], listed(before[at]), listed(after[at]))))
    }

    #[test]
    fn endpoints_and_models_come_and_go_in_plain_words() {
        let of = |kind| sentence(&[change(kind)]).unwrap_or_default();
        assert_eq!(of(ChangeKind::EndpointGone), "Azure no longer serves z-ai/glm-5.2");
        assert_eq!(of(ChangeKind::EndpointAppeared), "Azure now serves z-ai/glm-5.2");
        assert_eq!(of(ChangeKind::ModelGone), "z-ai/glm-5.2 is no longer listed");
        let text = |text: &str| Some(ChangeValue::Text(text.to_owned()));
        let renamed =
            Change { before: text("azure"), after: text("azure/eu"), ..change(ChangeKind::TagChanged) };
        assert_eq!(sentence(&[renamed]).as_deref(), Some("azure is now called azure/eu on z-ai/glm-5.2"));
        let quantized = Change {
            field: Some(ChangedField::Quantization),
            before: text("fp8"),
            after: text("fp4"),
            ..change(ChangeKind::EndpointChanged)
        };
        assert_eq!(
            sentence(std::slice::from_ref(&quantized)).as_deref(),
            Some("Azure on z-ai/glm-5.2: quantization fp8 → fp4")
        );
        let context = Change {
            field: Some(ChangedField::ContextLength),
            before: Some(ChangeValue::Number(131_072.0)),
            after: Some(ChangeValue::Number(262_144.0)),
            ..change(ChangeKind::EndpointChanged)
        };
        assert_eq!(
            sentence(&[quantized, context]).as_deref(),
            Some("Azure on z-ai/glm-5.2: quantization fp8 → fp4; context length 131,072 → 262,144"),
            "the facts of one endpoint and run are one sentence"
        );
        let ending = Change { after: text("2026-11-01T00:00:00Z"), ..change(ChangeKind::Deprecation) };
        assert_eq!(
            sentence(&[ending]).as_deref(),
            Some("Azure on z-ai/glm-5.2: end of the offer announced for 2026-11-01")
        );
        assert_eq!(
            (host(Some("Azure"), "azure"), host(Some("Azure"), "azure/eu")),
            ("Azure".into(), "Azure (azure/eu)".into())
        );
    }

    #[test]
    fn prices_of_one_run_are_one_sentence() {
        assert_eq!(
            sentence(&of([0.1, 0.02, 0.2], [0.078, 0.0156, 0.156])).as_deref(),
            Some(
                "Azure: list price of z-ai/glm-5.2: \u{2212}22 % (input $0.10 → $0.078, cache read $0.02 → $0.0156, output $0.20 → $0.156)"
            )
        );
        assert_eq!(
            sentence(&of([1.0, 0.0, 4.0], [1.0, 0.1, 5.0])).as_deref(),
            Some("Azure: list price of z-ai/glm-5.2: cache read now $0.10, output +25 % ($4.00 → $5.00)")
        );
        assert_eq!(
            sentence(&of([1.0, 0.1, 4.0], [1.0, 0.0, 3.8])).as_deref(),
            Some(
                "Azure: list price of z-ai/glm-5.2: cache read no longer listed, output \u{2212}5.0 % ($4.00 → $3.80)"
            )
        );
    }

    #[test]
    fn the_price_of_a_model_as_a_whole_has_no_host() {
        let changes = of([1.0, 0.0, 4.0], [1.0, 0.0, 5.0]);
        let headline = headline(&changes.iter().collect::<Vec<_>>(), "").expect("a sentence");
        assert_eq!(
            headline.sentence(Some("z-ai/glm-5.2")),
            "List price of z-ai/glm-5.2: output +25 % ($4.00 → $5.00)"
        );
    }

    #[test]
    fn a_price_that_rises_or_vanishes_is_worse_whatever_the_others_do() {
        let direction = |before, after| {
            let changes = of(before, after);
            headline(&changes.iter().collect::<Vec<_>>(), "x").and_then(|h| h.direction)
        };
        assert_eq!(direction([1.0, 0.0, 4.0], [1.0, 0.0, 5.0]), Some(Direction::Worse));
        assert_eq!(direction([1.0, 0.0, 4.0], [0.9, 0.0, 4.0]), Some(Direction::Better));
        assert_eq!(direction([1.0, 0.0, 4.0], [0.9, 0.0, 5.0]), Some(Direction::Worse));
        assert_eq!(direction([1.0, 0.1, 4.0], [1.0, 0.0, 3.8]), Some(Direction::Worse));
        assert_eq!(direction([1.0, 0.0, 4.0], [1.0, 0.1, 4.0]), None);
        assert_eq!(direction([1.0, 0.0, 4.0], [0.9, 0.1, 4.0]), Some(Direction::Better));
        let mut cheaper = of([1.0, 0.1, 4.0], [0.6, 0.2, 3.0]);
        for one in &mut cheaper {
            one.session = Some(SessionChange { before: Some(2.0), after: Some(1.5), percent: Some(-25.0) });
        }
        let all: Vec<&Change> = cheaper.iter().collect();
        let known = headline(&all, "x").and_then(|headline| headline.direction);
        assert_eq!(known, Some(Direction::Better), "the cost of a session decides");
    }

    #[test]
    fn what_describes_itself_is_left_to_itself() {
        assert_eq!(sentence(&[change(ChangeKind::TierChanged)]), None);
        assert_eq!(sentence(&[change(ChangeKind::TagChanged)]), None, "without its names");
        assert_eq!(headline(&[], "x"), None);
        assert_eq!(tier_change("Friendli", Lens::Cache, Tier::B, Tier::C), "Friendli: cache B → C");
        let tags = ["azure".to_owned(), "friendli".to_owned()];
        assert_eq!(recommendation_change(&tags, &tags[..1]), "azure, friendli → azure");
        assert_eq!(recommendation_change(&[], &tags[..1]), "none → azure");
    }
}
