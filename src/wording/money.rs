//! Sentences about what a month costs.

use super::price_list::Style;

/// Where a bill is paid, by names that may come from the upstream.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place<'a> {
    /// At one endpoint, by its tag.
    Endpoint(&'a str),
    /// At this number of endpoints of a provider, by its slug.
    Provider(&'a str, usize),
    /// Everywhere, in proportion to the traffic.
    Traffic,
}

/// A month, and the sessions that it consists of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MonthOf<'a> {
    /// The bill in USD and where it is paid; `None` if the tokens were stated.
    pub paid: Option<(f64, Place<'a>)>,
    /// Sessions a month.
    pub sessions: f64,
    /// Prompt and output tokens a month.
    pub tokens: f64,
    /// Name of the workload.
    pub workload: &'a str,
}

impl MonthOf<'_> {
    /// "$300 at `novita/fp8` is about 1,200 sessions of the coding-agent workload (240 million tokens)."
    pub fn in_words(&self, style: &Style) -> String {
        let sessions = format!(
            "about {} of the {} workload",
            counted(self.sessions, "session", "sessions"),
            (style.tag)(self.workload)
        );
        let Some((usd, place)) = self.paid else {
            return format!("{} are {sessions}.", tokens(self.tokens));
        };
        let place = match place {
            Place::Endpoint(tag) => format!("at {}", (style.tag)(tag)),
            Place::Provider(slug, count) => {
                format!("at {}, over its {count} endpoints by their traffic,", (style.tag)(slug))
            }
            Place::Traffic => "at what the traffic pays on average".to_owned(),
        };
        format!("{} {place} is {sessions} ({}).", (style.usd)(usd), tokens(self.tokens))
    }
}

fn counted(count: f64, one: &str, many: &str) -> String {
    let text = if count < 9.95 { format!("{count:.1}") } else { grouped(count) };
    format!("{text} {}", if text == "1.0" { one } else { many })
}

fn grouped(count: f64) -> String {
    crate::domain::format::grouped(count.round() as u64)
}

/// "240 million tokens".
fn tokens(count: f64) -> String {
    let scales = [(1e12, "trillion"), (1e9, "billion"), (1e6, "million")];
    match scales.into_iter().find(|(scale, _)| count >= scale * 0.9995) {
        Some((scale, name)) if count / scale < 9.95 => format!("{:.1} {name} tokens", count / scale),
        Some((scale, name)) => format!("{} {name} tokens", grouped(count / scale)),
        None => format!("{} tokens", grouped(count)),
    }
}

/// The result at the cheapest endpoint: "The cheapest is `baidu/fp8`: $250 a month (90 % interval: $210 to $310), 17 %
/// less."
pub fn cheapest(tag: &str, usd: f64, ends: Option<(f64, f64)>, change: Option<f64>, style: &Style) -> String {
    let ends = ends.map_or_else(
        || ", interval unknown".to_owned(),
        |(low, high)| format!(" (interval: {} to {})", (style.usd)(low), (style.usd)(high)),
    );
    let change = match change {
        Some(change) if change <= -0.005 => format!(", {} less", (style.percent)(-change)),
        Some(change) if change >= 0.005 => format!(", {} more", (style.percent)(change)),
        Some(_) => ", about the same".to_owned(),
        None => String::new(),
    };
    format!("The cheapest is {}: {} a month{ends}{change}.", (style.tag)(tag), (style.usd)(usd))
}

/// The difference to the bill at the list prices of now: "At the prices of now it is 7 % less."
pub fn at_prices_of_now(change: f64, style: &Style) -> String {
    match change {
        change if change <= -0.005 => {
            format!("At the prices of now it is {} less.", (style.percent)(-change))
        }
        change if change >= 0.005 => format!("At the prices of now it is {} more.", (style.percent)(change)),
        _ => "At the prices of now it is about the same.".to_owned(),
    }
}

/// The bill is already paid at the cheapest endpoint.
pub fn already_cheapest(tag: &str, style: &Style) -> String {
    format!("{} is already the cheapest.", (style.tag)(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::format;

    const STYLE: Style =
        Style { usd: format::usd, percent: |share| format::percent(share, 0), tag: str::to_owned };

    #[test]
    fn the_prices_of_now_have_a_sentence_of_their_own() {
        let said = [-0.07, 0.2, 0.001].map(|change| at_prices_of_now(change, &STYLE));
        assert_eq!(
            said,
            [
                "At the prices of now it is 7 % less.",
                "At the prices of now it is 20 % more.",
                "At the prices of now it is about the same."
            ]
        );
    }

    #[test]
    fn a_month_is_stated_with_what_it_consists_of() {
        let month = |paid| MonthOf { paid, sessions: 1234.4, tokens: 2.41e8, workload: "coding-agent" };
        assert_eq!(
            month(Some((300.0, Place::Endpoint("novita/fp8")))).in_words(&STYLE),
            "$300.00 at novita/fp8 is about 1,234 sessions of the coding-agent workload (241 million tokens)."
        );
        assert_eq!(
            month(None).in_words(&STYLE),
            "241 million tokens are about 1,234 sessions of the coding-agent workload."
        );
        let average = month(Some((300.0, Place::Traffic))).in_words(&STYLE);
        assert!(average.starts_with("$300.00 at what the traffic pays on average is about"), "{average}");
    }

    #[test]
    fn the_cheapest_is_stated_with_its_interval_and_its_difference() {
        assert_eq!(
            cheapest("a/fp8", 250.0, Some((210.0, 310.0)), Some(-0.1667), &STYLE),
            "The cheapest is a/fp8: $250.00 a month (interval: $210.00 to $310.00), 17 % less."
        );
        let plain = cheapest("a/fp8", 250.0, None, None, &STYLE);
        assert_eq!(plain, "The cheapest is a/fp8: $250.00 a month, interval unknown.");
    }
}
