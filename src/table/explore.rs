//! The list of all endpoints, filtered and sorted by a query. The explorer and the API share it.

use super::Offer;
use crate::domain::ids::names;
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};

/// Longer texts are truncated: no name is that long.
const LONGEST: usize = 100;

names! {
    /// How rows are sorted, in the order of the columns.
    Sort for "sort" {
        /// Session cost under the default workload.
        Session = "session",
        /// Effective input price.
        Price = "price",
        /// List input price.
        List = "list",
        /// Hit rate.
        Hit = "hit",
        /// Published uptime over a day.
        Uptime = "uptime",
        /// Output speed.
        Speed = "speed",
        /// Context length.
        Context = "context",
        /// Tokens per day.
        Tokens = "tokens",
    }
}

impl Sort {
    /// Whether large values come first by default.
    pub fn is_descending(self) -> bool {
        !matches!(self, Self::Price | Self::List | Self::Session)
    }

    /// The sort key of a row; absent values come last in either direction.
    pub fn key(self, endpoint: &Endpoint, workload: &str) -> Option<f64> {
        match self {
            Self::Price => endpoint.effective.input,
            Self::List => endpoint.list.input,
            Self::Session => endpoint.session_cost.get(workload).copied(),
            Self::Hit => endpoint.hit_rate,
            Self::Uptime => endpoint.uptime_1d,
            Self::Speed => endpoint.throughput,
            Self::Context => endpoint.facts.context_length.map(|length| length as f64),
            Self::Tokens => endpoint.tokens_per_day,
        }
    }
}

names! {
    /// What a provider may do with prompts.
    Policy for "data" {
        /// It declares that it does not train on them.
        NoTraining = "no-training",
        /// It declares that it neither keeps them nor trains on them.
        NotKept = "not-kept",
    }
}

names! {
    /// The direction of the order.
    Direction for "dir" {
        /// Small values come first.
        Ascending = "asc",
        /// Large values come first.
        Descending = "desc",
    }
}

/// A filter. Every condition excludes endpoints that do not publish the value: absent is not zero.
#[derive(Debug)]
struct Filter {
    /// Words that the name of the model or endpoint must contain.
    words: String,
    /// Base slug of the provider.
    provider: String,
    /// Highest effective input price, USD per million tokens.
    price: Option<f64>,
    /// Highest list input price, USD per million tokens.
    list: Option<f64>,
    /// Lowest hit rate, 0..1.
    hit: Option<f64>,
    /// Quantization as declared by the provider.
    quantization: String,
    /// Shortest context, tokens.
    context: Option<f64>,
    /// Request parameters that it must support.
    parameters: Vec<String>,
    /// Data policy.
    policy: Option<Policy>,
    /// Whether variants other than the standard one are shown.
    variants: bool,
}

/// A complete query: filter, sort order, page.
#[derive(Debug)]
pub struct Question {
    filter: Filter,
    /// The sort order.
    pub sort: Sort,
    /// Whether large values come first.
    pub descending: bool,
    /// The page, from 1.
    pub page: usize,
    /// The invalid values, as sentences.
    pub errors: Vec<String>,
    /// The submitted values by field, for the form to show again.
    typed: Vec<(&'static str, String)>,
}

/// The fields of the form, in order.
const FIELDS: [&str; 10] =
    ["q", "provider", "price", "list", "hit", "quant", "context", "param", "data", "variants"];

/// Parses a number of tokens: `128k`, `1M` or `131072`.
fn tokens(text: &str) -> Option<f64> {
    let lower = text.to_ascii_lowercase();
    let (digits, scale) = match lower.strip_suffix('k') {
        Some(digits) => (digits, 1e3),
        None => lower.strip_suffix('m').map_or((lower.as_str(), 1.0), |digits| (digits, 1e6)),
    };
    number(digits).map(|value| value * scale)
}

/// A number in plain decimal digits, without a sign or an exponent. The description of the API states the same forms.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.trim_end_matches(' ');
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    digits.parse().ok().filter(|_| is_plain(whole) && is_plain(fraction))
}

fn percent(text: &str) -> Option<f64> {
    number(text.strip_suffix('%').unwrap_or(text)).filter(|value| *value <= 100.0).map(|value| value / 100.0)
}

/// Reads the fields one by one and collects errors for invalid values.
pub(super) struct Reader<F> {
    pub(super) submitted: F,
    pub(super) errors: Vec<String>,
}

impl<'a, F: Fn(&str) -> Option<&'a str>> Reader<F> {
    pub(super) fn text(&self, field: &str) -> String {
        (self.submitted)(field).unwrap_or_default().trim().chars().take(LONGEST).collect()
    }

    pub(super) fn value<T>(
        &mut self,
        field: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(field);
        if text.is_empty() {
            return None;
        }
        let value = read(&text);
        if value.is_none() {
            self.errors.push(format!("“{text}” in the field “{field}” is not {wanted}."));
        }
        value
    }
}

impl Question {
    /// Reads the parameters of an address, which `submitted` returns by name. Invalid values are ignored and reported
    /// in [`Question::errors`].
    pub fn new<'a>(submitted: impl Fn(&str) -> Option<&'a str>) -> Self {
        let mut reader = Reader { submitted, errors: Vec::new() };
        let parameters = reader.text("param");
        let filter = Filter {
            words: reader.text("q"),
            provider: reader.text("provider").to_lowercase(),
            price: reader.value("price", "a price in USD per million tokens, like 0.5", number),
            list: reader.value("list", "a price in USD per million tokens, like 0.5", number),
            hit: reader.value("hit", "a percentage from 0 to 100", percent),
            quantization: reader.text("quant").to_lowercase(),
            context: reader.value("context", "a number of tokens, like 128k", tokens),
            parameters: parameters
                .split([',', ' '])
                .filter(|p| !p.is_empty())
                .map(str::to_lowercase)
                .collect(),
            policy: reader.value("data", "no-training or not-kept", Policy::parse),
            variants: reader.value("variants", "all", |text| (text == "all").then_some(())).is_some(),
        };
        let names = Sort::ALL.map(Sort::as_str).join(", ");
        let sort = reader.value("sort", &format!("one of {names}"), Sort::parse).unwrap_or(Sort::Tokens);
        let direction = reader.value("dir", "asc or desc", Direction::parse);
        let descending =
            direction.map_or(sort.is_descending(), |direction| direction == Direction::Descending);
        let whole = |text: &str| text.parse::<usize>().ok().filter(|page| (1..=100_000).contains(page));
        let page = reader.value("page", "a page number from 1 on", whole).unwrap_or(1);
        let typed = FIELDS.map(|field| (field, reader.text(field))).to_vec();
        Self { filter, sort, descending, page, errors: reader.errors, typed }
    }

    /// The submitted value of a field.
    pub fn typed(&self, field: &str) -> &str {
        self.typed.iter().find(|(name, _)| *name == field).map_or("", |(_, text)| text.as_str())
    }

    /// The parameters of the same query in another sort order or on another page; empty fields are omitted.
    pub fn parameters(&self, sort: Sort, descending: bool, page: usize) -> Vec<(&'static str, String)> {
        let mut parts: Vec<(&str, String)> =
            self.typed.iter().filter(|(_, text)| !text.is_empty()).cloned().collect();
        let is_usual = descending == sort.is_descending();
        if sort != Sort::Tokens || !is_usual {
            parts.push(("sort", sort.to_string()));
        }
        if !is_usual {
            let direction = if descending { Direction::Descending } else { Direction::Ascending };
            parts.push(("dir", direction.to_string()));
        }
        if page > 1 {
            parts.push(("page", page.to_string()));
        }
        parts
    }

    /// All endpoints that match the filter, in order, with their session cost under the default workload.
    pub fn offers<'a>(&self, snapshot: &'a Snapshot) -> Vec<Offer<'a>> {
        let workload = snapshot.default_workload();
        let of = |model: &'a ModelEntry| model.endpoints.iter().map(move |e| Offer::of(model, e, workload));
        let all = snapshot.models.iter().flat_map(of);
        let mut offers: Vec<Offer> =
            all.filter(|offer| self.filter.passes(offer.model, offer.endpoint)).collect();
        let key = |offer: &Offer| self.sort.key(offer.endpoint, workload).filter(|value| value.is_finite());
        offers.sort_by(|a, b| match (key(a), key(b)) {
            (Some(x), Some(y)) if self.descending => y.total_cmp(&x),
            (Some(x), Some(y)) => x.total_cmp(&y),
            (x, y) => y.is_some().cmp(&x.is_some()),
        });
        offers
    }
}

impl Filter {
    fn passes(&self, model: &ModelEntry, endpoint: &Endpoint) -> bool {
        let at_most =
            |value: Option<f64>, limit: Option<f64>| limit.is_none_or(|l| value.is_some_and(|v| v <= l));
        let at_least =
            |value: Option<f64>, limit: Option<f64>| limit.is_none_or(|l| value.is_some_and(|v| v >= l));
        (self.variants || model.variant.is_standard())
            && (self.provider.is_empty() || endpoint.provider.as_str() == self.provider)
            && at_most(endpoint.effective.input, self.price)
            && at_most(endpoint.list.input, self.list)
            && at_least(endpoint.hit_rate, self.hit)
            && at_least(endpoint.prompt_limit().map(|length| length as f64), self.context)
            && (self.quantization.is_empty()
                || endpoint
                    .facts
                    .quantization
                    .as_deref()
                    .is_some_and(|q| q.to_lowercase() == self.quantization))
            && self.parameters.iter().all(|wanted| endpoint.facts.parameters.iter().any(|has| has == wanted))
            && self.policy.is_none_or(|policy| keeps(policy, endpoint))
            && self.names(model, endpoint)
    }

    fn names(&self, model: &ModelEntry, endpoint: &Endpoint) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let text =
            format!("{} {} {} {}", model.model_id, model.name, endpoint.name, endpoint.tag).to_lowercase();
        self.words.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

fn keeps(policy: Policy, endpoint: &Endpoint) -> bool {
    let no_training = endpoint.facts.trains_on_prompts == Some(false);
    match policy {
        Policy::NoTraining => no_training,
        Policy::NotKept => no_training && endpoint.facts.retains_prompts == Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(pairs: &[(&str, &str)]) -> Question {
        Question::new(|field| pairs.iter().find(|(name, _)| *name == field).map(|(_, text)| *text))
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        let question =
            ask(&[("context", "128k"), ("hit", "60 %"), ("price", "0.5"), ("param", "tools, seed")]);
        assert_eq!(question.errors, Vec::<String>::new());
        assert_eq!(question.filter.context, Some(128_000.0));
        assert_eq!(question.filter.hit, Some(0.6));
        assert_eq!(question.filter.parameters, ["tools", "seed"]);
        assert_eq!(
            [tokens("1M"), tokens("1.5 k"), number("0.25"), percent("100.0%")],
            [1e6, 1500.0, 0.25, 1.0].map(Some)
        );
        for text in ["1e3", "+5", "-1", ".5", "5.", "1_000", "inf", "NaN", "", "5\u{a0}", "5k%"] {
            assert_eq!((number(text), percent(text)), (None, None), "{text}");
        }
        assert_eq!(
            [tokens("5\u{212a}"), percent("60%%"), percent("100.1")],
            [None; 3],
            "a Kelvin sign is not a k"
        );
    }

    #[test]
    fn what_is_not_understood_is_said_and_left_out() {
        let question = ask(&[("hit", "120"), ("price", "cheap"), ("sort", "beauty"), ("page", "0")]);
        assert_eq!(question.errors.len(), 4, "{:?}", question.errors);
        assert_eq!((question.filter.hit, question.page), (None, 1));
    }

    #[test]
    fn an_address_says_what_was_asked_and_nothing_more() {
        let question = ask(&[("q", "kimi k2"), ("sort", "hit"), ("page", "3"), ("list", "")]);
        let parameters = |sort, descending, page| {
            let pairs = question.parameters(sort, descending, page).into_iter();
            pairs.map(|(name, text)| format!("{name}={text}")).collect::<Vec<_>>().join("&")
        };
        assert_eq!(parameters(Sort::Hit, true, 3), "q=kimi k2&sort=hit&page=3");
        assert_eq!(parameters(Sort::Tokens, true, 1), "q=kimi k2");
        assert_eq!(parameters(Sort::Tokens, false, 1), "q=kimi k2&sort=tokens&dir=asc");
    }
}
