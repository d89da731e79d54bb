//! What a preference says: why an endpoint is not named, why a preference is withheld, and what naming costs.

use super::flags::{count, percent as share};
use crate::domain::format::percent_change;
use crate::domain::thresholds::{PREFERENCE_MIN_SHARE, PREFERENCE_MIN_TOKENS};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// Why an endpoint has too little traffic to be named.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LittleTraffic {
    /// Its traffic is not published.
    Unknown,
    /// Its tokens a day are fewer than [`PREFERENCE_MIN_TOKENS`].
    Tokens(f64),
    /// Its share of the model's tokens is below [`PREFERENCE_MIN_SHARE`].
    Share(f64),
}

impl LittleTraffic {
    /// Judges the tokens a day of an endpoint against those of its model; `None` if they are enough.
    pub fn of(tokens: Option<f64>, model: f64) -> Option<Self> {
        let Some(tokens) = tokens else { return Some(Self::Unknown) };
        if tokens < PREFERENCE_MIN_TOKENS {
            return Some(Self::Tokens(tokens));
        }
        (tokens < PREFERENCE_MIN_SHARE * model).then(|| Self::Share(tokens / model))
    }
}

impl fmt::Display for LittleTraffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("too little traffic to rely on: its tokens are unknown"),
            Self::Tokens(tokens) => write!(
                f,
                "too little traffic to rely on: {} tokens a day (threshold {})",
                count(*tokens),
                count(PREFERENCE_MIN_TOKENS)
            ),
            Self::Share(of) => write!(
                f,
                "too little traffic to rely on: {} of the model's tokens (threshold {})",
                share(*of),
                share(PREFERENCE_MIN_SHARE)
            ),
        }
    }
}

/// What becomes of an endpoint whose tag would also match others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sibling<'a> {
    /// It is not named.
    LeftOut {
        /// Its tag.
        tag: &'a str,
        /// The tags that it would also match.
        others: &'a [&'a str],
    },
    /// It is not named, because the endpoints that its tag matches cost more together than another endpoint alone.
    Expensive {
        /// Its tag.
        tag: &'a str,
        /// Number of endpoints that the tag matches.
        count: usize,
        /// Expected cost of a session over them, by traffic, USD.
        mix: f64,
        /// Tag of the cheaper endpoint.
        instead: &'a str,
        /// Expected cost of a session there, USD.
        cost: f64,
    },
    /// It is named together with the others, at the mean of their costs by traffic.
    Mixed {
        /// Their common tag.
        tag: &'a str,
        /// Number of endpoints that the tag matches.
        count: usize,
        /// Expected cost of a session over them, by traffic, USD.
        mix: f64,
    },
    /// It is named, and `ignore` excludes the others.
    Excluded {
        /// The full tags in `ignore`.
        ignore: &'a [String],
    },
}

impl fmt::Display for Sibling<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftOut { tag, others } => {
                write!(
                    f,
                    "`{tag}` is left out: it would also match {}, with a different verdict",
                    quoted(others)
                )
            }
            Self::Expensive { tag, count, mix, instead, cost } => write!(
                f,
                "`{tag}` is left out: it matches {count} endpoints, which together are expected to cost {mix:.4} USD a \
                 session; `{instead}` costs {cost:.4} USD"
            ),
            Self::Mixed { tag, count, mix } => write!(
                f,
                "`{tag}` matches {count} endpoints that cannot be distinguished: the preference names all of them, at \
                 their mean by traffic ({mix:.4} USD a session)"
            ),
            Self::Excluded { ignore } => write!(
                f,
                "`only` alone would also match {}: `ignore` excludes these, so send both fields. A sibling that appears \
                 later is matched until you renew the preference",
                quoted(ignore)
            ),
        }
    }
}

/// Tags in backticks, separated by commas.
fn quoted<T: AsRef<str>>(tags: &[T]) -> String {
    tags.iter().map(|tag| format!("`{}`", tag.as_ref())).collect::<Vec<_>>().join(", ")
}

/// Why a preference that could be made is withheld: compared with what the traffic pays on average, as fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Withheld {
    /// It is expected to cost more.
    Loss {
        /// The expected saving, negative.
        saving: f64,
        /// The ends of its 90 % interval; `None` if they are unknown.
        interval: Option<(f64, f64)>,
    },
    /// Its interval reaches too far below zero.
    Uncertain {
        /// The expected saving.
        saving: f64,
        /// The ends of its 90 % interval.
        interval: (f64, f64),
        /// The lowest accepted lower end.
        bound: f64,
    },
}

impl fmt::Display for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = |(low, high): (f64, f64)| {
            format!("90 % interval of the saving: {} to {}", percent_change(low, 0), percent_change(high, 0))
        };
        match self {
            Self::Loss { saving, interval } => {
                let ends = interval.map_or_else(String::new, |interval| format!(" ({})", ends(interval)));
                write!(f, "expected to cost {} more than the traffic pays on average{ends}", more(-saving))
            }
            Self::Uncertain { saving, interval, bound } => write!(
                f,
                "the saving is too uncertain: {} expected, {} (it must not reach below {})",
                percent_change(*saving, 0),
                ends(*interval),
                percent_change(*bound, 0)
            ),
        }
    }
}

/// A share by which something costs more; one that would be rounded to nothing is bounded instead.
fn more(of: f64) -> String {
    if of < SMALL_LOSS { format!("less than {}", share(SMALL_LOSS)) } else { share(of) }
}

/// Losses below this fraction are stated as smaller than it.
const SMALL_LOSS: f64 = 0.005;

/// Introduces the reason of a preference that is withheld.
pub fn withheld(reason: &Withheld) -> String {
    format!("withheld: {reason}")
}

/// A warning for a preference that is given although it would be withheld: without it, the router would break limits.
pub fn given_for_limits(reason: &Withheld) -> String {
    format!("{reason}; it is given only because the router cannot enforce all of your limits itself")
}

/// A warning for a preference that names all endpoints within the limits, because the mode's own choice has a `reason` to
/// be withheld; `still` is the reason against all of them.
pub fn all_for_limits(reason: &Withheld, still: Option<&Withheld>) -> String {
    let still = still.map_or_else(String::new, |still| format!(". Together they are still {still}"));
    format!(
        "fewer names may be worse than none ({reason}), but the router cannot enforce all of your limits itself: all \
         endpoints that meet them and are not bad are named{still}"
    )
}

/// What the router does without a preference.
pub const ROUTER_DEFAULT: &str = "without a preference, OpenRouter's default router already prefers the endpoints with the \
    lowest measured effective price; it skips that step for requests that name specific providers";

/// Advice on session ids. An `order` turns off the stickiness that they are for.
pub fn session_advice(is_order: bool) -> &'static str {
    if is_order {
        "`order` turns off the router's sticky routing, so a session_id does not keep a conversation on the endpoint whose \
         cache is warm"
    } else {
        "send one session_id per conversation (at most 256 characters), so that the router keeps the conversation on the \
         endpoint whose cache is warm; with `order` it would not"
    }
}

/// How fast a preference answers compared with the mean over the traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Milliseconds to the first token: with the preference, and over the traffic.
    latency_ms: Option<(f64, f64)>,
    /// Tokens a second: with the preference, and over the traffic.
    throughput: Option<(f64, f64)>,
}

impl Pace {
    /// `None` if neither figure is known.
    pub fn new(latency_ms: Option<(f64, f64)>, throughput: Option<(f64, f64)>) -> Option<Self> {
        (latency_ms.is_some() || throughput.is_some()).then_some(Self { latency_ms, throughput })
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = |(own, traffic): (f64, f64)| percent_change(own / traffic - 1.0, 0);
        let latency = self.latency_ms.map(|pair| {
            format!(
                "first token after {:.0} ms, {} compared with the traffic's {:.0} ms",
                pair.0,
                change(pair),
                pair.1
            )
        });
        let throughput = self.throughput.map(|pair| {
            format!(
                "{:.0} tokens a second, {} compared with the traffic's {:.0}",
                pair.0,
                change(pair),
                pair.1
            )
        });
        let parts: Vec<String> = latency.into_iter().chain(throughput).collect();
        f.write_str(&parts.join("; "))
    }
}

/// When a conversation stays on the endpoint whose cache is warm: the rule of the program that chooses the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stickiness {
    /// OpenRouter chooses. It keeps a conversation in place, unless `order` or `sort` decides the choice.
    UnlessOrdered,
    /// The target sends everything to its first deployment until that fails.
    UntilFailure,
    /// The text names a single endpoint.
    OneEndpoint,
    /// Vercel's gateway chooses; its documented session affinity is not measured: a conversation counts as staying only if
    /// a single provider is named.
    OneProvider,
}

impl fmt::Display for Stickiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnlessOrdered => {
                "OpenRouter keeps a conversation with a session_id on one endpoint, unless `order` or `sort` decides the \
                 choice"
            }
            Self::UntilFailure => "all conversations go to the first deployment until it fails",
            Self::OneEndpoint => "only one endpoint is named, so a conversation cannot move",
            Self::OneProvider => {
                "according to Vercel, the gateway first tries the provider of the session's last request; this is not \
                 measured, so a conversation counts as staying in place only if a single provider is named"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_is_judged_by_tokens_and_by_share() {
        assert_eq!(LittleTraffic::of(None, 1e9), Some(LittleTraffic::Unknown));
        assert_eq!(LittleTraffic::of(Some(9.9e6), 1e7), Some(LittleTraffic::Tokens(9.9e6)));
        assert_eq!(LittleTraffic::of(Some(10e6), 1e9), None);
        assert_eq!(LittleTraffic::of(Some(20e6), 4e9), Some(LittleTraffic::Share(0.005)));
        assert_eq!(
            LittleTraffic::Tokens(724.0).to_string(),
            "too little traffic to rely on: 724 tokens a day (threshold 10 M)"
        );
        assert_eq!(
            LittleTraffic::Share(0.005).to_string(),
            "too little traffic to rely on: 0.5 % of the model's tokens (threshold 1 %)"
        );
    }

    #[test]
    fn what_is_withheld_states_its_numbers() {
        let loss = Withheld::Loss { saving: -0.042, interval: Some((-0.2, 0.1)) };
        assert_eq!(
            withheld(&loss),
            "withheld: expected to cost 4.2 % more than the traffic pays on average (90 % interval of the saving: -20 % \
             to +10 %)"
        );
        let unsure = Withheld::Uncertain { saving: 0.06, interval: (-0.23, 0.28), bound: -0.1 };
        assert_eq!(
            withheld(&unsure),
            "withheld: the saving is too uncertain: +6 % expected, 90 % interval of the saving: -23 % to +28 % (it must \
             not reach below -10 %)"
        );
        assert!(Withheld::Loss { saving: -0.01, interval: None }.to_string().ends_with("on average"));
        let small = |saving| given_for_limits(&Withheld::Loss { saving, interval: None });
        assert!(
            small(-0.0003).starts_with("expected to cost less than 0.5 % more than"),
            "{}",
            small(-0.0003)
        );
        assert!(small(-0.0051).starts_with("expected to cost 0.5 % more than"), "{}", small(-0.0051));
        let all = all_for_limits(&loss, Some(&Withheld::Loss { saving: -0.01, interval: None }));
        assert!(all.ends_with("are named. Together they are still expected to cost 1 % more than the traffic pays on average"), "{all}");
    }

    #[test]
    fn siblings_are_named_in_every_outcome() {
        let ignore = ["base/eu".to_owned(), "base/us".to_owned()];
        let excluded = Sibling::Excluded { ignore: &ignore }.to_string();
        assert!(
            excluded.starts_with("`only` alone would also match `base/eu`, `base/us`: `ignore` excludes")
        );
        let left = Sibling::LeftOut { tag: "base", others: &["base/eu"] }.to_string();
        assert!(left.starts_with("`base` is left out: it would also match `base/eu`"));
        let expensive = Sibling::Expensive { tag: "a", count: 2, mix: 0.5, instead: "b", cost: 0.4 };
        assert!(expensive.to_string().contains("0.5000 USD a session; `b` costs 0.4000 USD"));
        let mixed = Sibling::Mixed { tag: "a", count: 2, mix: 0.5 }.to_string();
        assert!(mixed.contains("matches 2 endpoints") && mixed.contains("0.5000 USD"));
    }

    #[test]
    fn a_pace_compares_what_is_known() {
        let pace = Pace::new(Some((840.0, 700.0)), Some((61.5, 82.0))).expect("known");
        assert_eq!(
            pace.to_string(),
            "first token after 840 ms, +20 % compared with the traffic's 700 ms; 62 tokens a second, -25 % compared with \
             the traffic's 82"
        );
        let half = Pace::new(None, Some((82.0, 82.0))).expect("known");
        assert_eq!(half.to_string(), "82 tokens a second, +0 % compared with the traffic's 82");
        assert_eq!(Pace::new(None, None), None);
    }
}
