//! A month as a client states it, and what it costs at each endpoint of a model.

use crate::domain::ids::{ProviderSlug, Tag, names};
use crate::domain::session::unusual_now;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;
use uuid::Uuid;

/// Smallest and largest bill, USD a month.
const USD: (f64, f64) = (0.01, 1e9);
/// Fewest and most tokens a month.
const TOKENS: (f64, f64) = (1.0, 1e15);

/// What is known about a month: its bill or its tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Month {
    /// The bill, USD.
    Usd(f64),
    /// Prompt and output tokens.
    Tokens(f64),
}

impl Month {
    /// Reads dollars (`300`, `$300.50`, `$3k`, `1,200 USD`) or tokens (`200M`, `1.5B`, `300k tokens`). A comma only
    /// separates thousands.
    ///
    /// # Errors
    /// The reason why the text is not an amount, without the text.
    pub fn read(text: &str) -> Result<Self, String> {
        const FORMS: &str = "expected dollars such as 300 or $300.50, or tokens such as 200M";
        let lower = text.trim().to_lowercase();
        let (dollars, rest) = match (lower.strip_prefix('$'), lower.strip_suffix("usd")) {
            (Some(rest), _) | (None, Some(rest)) => (true, rest),
            (None, None) => (false, lower.as_str()),
        };
        let rest = rest.trim();
        let bare = rest.strip_suffix("tokens").or_else(|| rest.strip_suffix("token"));
        let (tokens, rest) = (bare.is_some(), bare.unwrap_or(rest).trim());
        if dollars && tokens {
            return Err(FORMS.to_owned());
        }
        let scales = [('k', 1e3), ('m', 1e6), ('b', 1e9), ('t', 1e12)];
        let scaled = scales.into_iter().find_map(|(letter, scale)| Some((rest.strip_suffix(letter)?, scale)));
        if rest.ends_with('k') && !dollars && !tokens {
            return Err("a `k` can mean dollars or tokens; write $3k or 300k tokens".to_owned());
        }
        let (digits, scale) = scaled.unwrap_or((rest, 1.0));
        let amount = number(digits.trim_end()).ok_or_else(|| match digits.contains(',') {
            true => "a comma only separates thousands, as in 1,200; write cents after a point, as in 300.50"
                .to_owned(),
            false => FORMS.to_owned(),
        })?;
        let is_tokens = tokens || (!dollars && scaled.is_some());
        let (amount, bounds, unit) =
            (amount * scale, if is_tokens { TOKENS } else { USD }, if is_tokens { "tokens" } else { "USD" });
        if !(bounds.0..=bounds.1).contains(&amount) {
            return Err(format!("expected {} to {} {unit} a month", bounds.0, bounds.1));
        }
        Ok(if is_tokens { Self::Tokens(amount) } else { Self::Usd(amount) })
    }
}

/// Digits with an optional decimal point; commas only between groups of three digits. No sign, no exponent.
fn number(text: &str) -> Option<f64> {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(whole, rest)| (whole, Some(rest)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next().filter(|first| all_digits(first))?;
    let rest: Vec<&str> = groups.collect();
    let grouped = rest.is_empty() || first.len() <= 3;
    if !grouped || !rest.iter().all(|group| group.len() == 3 && all_digits(group)) {
        return None;
    }
    decimals.is_none_or(all_digits).then(|| text.replace(',', "").parse().ok())?
}

impl EndpointMonth {
    /// The month at the list prices of now, USD, if it differs from the usual one by 1 % or more.
    pub fn unusual_now(&self) -> Option<f64> {
        unusual_now(Some(self.usd), self.usd_now)
    }
}

impl FromStr for Month {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let short = || text.chars().take(60).collect::<String>();
        Self::read(text).map_err(|reason| format!("invalid `bill` `{}`; {reason}", short()))
    }
}

names! {
    /// Where the bill of a month is assumed to be paid.
    PaidAt {
        /// At one endpoint.
        Endpoint = "endpoint",
        /// At several endpoints of one provider, in proportion to their traffic.
        Provider = "provider",
        /// At all eligible endpoints, in proportion to their traffic: no host is named.
        Traffic = "traffic",
    }
}

/// What the same month costs at each endpoint of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MonthlyCost {
    /// The bill, USD a month; null if the request states tokens.
    pub bill: Option<f64>,
    /// Where the bill is assumed to be paid; null if the request states tokens.
    pub paid_at: Option<PaidAt>,
    /// Tags of the endpoints there; empty if the request states tokens.
    #[schema(value_type = Vec<String>)]
    pub at: Vec<Tag>,
    /// Cost of a session there, USD; null if the request states tokens.
    pub session_cost: Option<f64>,
    /// Sessions of the workload in a month: the bill divided by the cost of a session, or the tokens by the tokens of a
    /// session.
    pub sessions: f64,
    /// Prompt and output tokens of these sessions.
    pub tokens: f64,
    /// The eligible endpoints, cheapest first.
    pub endpoints: Vec<EndpointMonth>,
}

/// What the same sessions cost at one endpoint in a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointMonth {
    /// Id of the endpoint.
    #[schema(value_type = String, format = "uuid")]
    pub endpoint_id: Uuid,
    /// Routing name (tag).
    pub tag: Tag,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// USD a month at the usual list prices.
    pub usd: f64,
    /// USD a month at the list prices of now; null if they are unknown.
    pub usd_now: Option<f64>,
    /// Lower end of the interval, USD a month: the lower end of its own session cost over the upper end of that at the
    /// present place. Null if either interval is unknown.
    pub low: Option<f64>,
    /// Upper end of the interval, USD a month.
    pub high: Option<f64>,
    /// Difference to the bill as a fraction, negative if it is cheaper; null if the request states tokens.
    pub change: Option<f64>,
    /// Whether the bill is assumed to be paid here.
    pub is_present: bool,
}

/// Why a month cannot be priced.
#[derive(Debug, Clone, PartialEq)]
pub enum BillError {
    /// The model has no such host.
    UnknownHost {
        /// What was requested.
        at: String,
        /// Some tags of the model's endpoints.
        known: Vec<String>,
    },
    /// A host without a bill has no meaning.
    HostWithoutBill,
    /// The cost of a session at the host is unknown, with the reason.
    NoCost {
        /// What was requested.
        at: String,
        /// The reason.
        why: String,
    },
    /// Too much of the traffic has no known cost, so its average is unknown.
    NoAverage,
    /// No endpoint is eligible.
    NoEndpoint,
}

impl fmt::Display for BillError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownHost { at, known } => {
                write!(f, "no host `{at}` offers this model; its endpoints are {}", known.join(", "))
            }
            Self::HostWithoutBill => f.write_str("`at` names where the bill is paid, so it needs a `bill` in dollars"),
            Self::NoCost { at, why } => {
                write!(f, "the cost of a session at `{at}` is unknown ({why}), so the bill cannot be converted")
            }
            Self::NoAverage => f.write_str(
                "what the traffic pays on average is unknown, because the cost is unknown for too much of it; \
                 name the host that the bill is paid at",
            ),
            Self::NoEndpoint => f.write_str("no endpoint of this model can be compared by cost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, month) in [
            ("300", Month::Usd(300.0)),
            (" $300 ", Month::Usd(300.0)),
            ("300.50", Month::Usd(300.5)),
            ("$1,200", Month::Usd(1200.0)),
            ("1,200.75 USD", Month::Usd(1200.75)),
            ("$3k", Month::Usd(3000.0)),
            ("$ 2M", Month::Usd(2e6)),
            ("200M", Month::Tokens(2e8)),
            ("1.5 B tokens", Month::Tokens(1.5e9)),
            ("300k tokens", Month::Tokens(3e5)),
            ("500000 tokens", Month::Tokens(5e5)),
        ] {
            assert_eq!(Month::read(text), Ok(month), "{text}");
        }
    }

    #[test]
    fn what_could_mean_something_else_is_refused_with_the_reason() {
        for (text, reason) in [
            ("300,50", "write cents after a point"),
            ("1,20,000", "a comma only separates thousands"),
            ("1200,000,", "a comma"),
            ("3k", "write $3k or 300k tokens"),
            ("-300", "expected dollars"),
            ("NaN", "expected dollars"),
            ("inf", "expected dollars"),
            ("1e3", "expected dollars"),
            ("", "expected dollars"),
            ("$", "expected dollars"),
            ("$5 tokens", "expected dollars"),
            ("3.", "expected dollars"),
            ("0", "expected 0.01 to 1000000000 USD"),
            ("99999999999", "expected 0.01 to 1000000000 USD"),
            ("5000T", "tokens a month"),
            ("€300", "expected dollars"),
        ] {
            let refused = Month::read(text).expect_err(text);
            assert!(refused.contains(reason), "{text}: {refused}");
        }
        let named = "300,50".parse::<Month>().expect_err("refused");
        assert!(named.starts_with("invalid `bill` `300,50`; "), "{named}");
    }
}
