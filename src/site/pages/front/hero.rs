//! The head of the front page: what following the numbers saves, how certain they are and how recent.

use crate::domain::statistics::median;
use crate::domain::thresholds::{BACKTEST_TOLD_FROM, LIST_MISLEADS_FROM};
use crate::domain::tier::Lens;
use crate::prepared::Purpose;
use crate::site::parts::format;
use crate::site::parts::picks::{self, Misled};
use crate::site::parts::shell::View;
use crate::snapshot::{Policy, ProviderTier, Snapshot, TestedDays, TierList};

/// How often the price list misleads.
pub struct Lede {
    pub of: Misled,
    /// Median surcharge over those models.
    pub surcharge: String,
    /// The least surcharge that counts.
    pub least: String,
    /// Title of the workload.
    pub workload: String,
}

/// The result of the backtest, as numbers for a sentence.
pub struct Tested<'a> {
    pub days: &'a TestedDays,
    /// The share of the bill that our choices saved compared with the lowest list price.
    pub saved: String,
    /// The same for perfect hindsight, which is the maximum possible saving.
    pub possible: String,
    pub choices: String,
    /// The extra cost of our choices compared with perfect hindsight.
    pub ours: String,
    /// The same for the cheapest host of the previous day.
    pub yesterday: String,
    /// The same for the lowest list price.
    pub list: String,
}

/// How recent and how certain the data is.
pub struct Facts {
    pub age: String,
    /// Endpoints of the newest run.
    pub endpoints: String,
    /// Tokens per day.
    pub tokens: String,
    /// Share of them in the cache tiers.
    pub covered: Option<String>,
    /// Half the width of the median interval; `None` if no provider is rated.
    pub sure_to: Option<String>,
}

/// `None` if no model has a choice or none misleads.
pub fn lede(snapshot: &Snapshot) -> Option<Lede> {
    let of = picks::misled(snapshot)?;
    let [surcharge, least] = [of.median_surcharge, LIST_MISLEADS_FROM].map(format::percent);
    Some(Lede { of, surcharge, least, workload: snapshot.default_title() })
}

/// `None` if there were too few choices to report.
pub fn tested(days: &TestedDays) -> Option<Tested<'_>> {
    let cost = |policy: Policy| Some(days.of(policy)?.equal);
    let over = |policy: Policy| Some(format::percent_tenth(cost(policy)? - 1.0));
    (days.model_days >= BACKTEST_TOLD_FROM).then_some(())?;
    let list = cost(Policy::CheapestList).filter(|list| *list > 0.0)?;
    let saved = |of: f64| format::percent_tenth(1.0 - of / list);
    Some(Tested {
        days,
        saved: saved(cost(Policy::Hitrate)?),
        possible: saved(1.0),
        choices: format::grouped(u64::try_from(days.model_days).unwrap_or(u64::MAX)),
        ours: over(Policy::Hitrate)?,
        yesterday: over(Policy::Yesterday)?,
        list: over(Policy::CheapestList)?,
    })
}

/// How recent and how certain the list is.
pub fn facts(view: &View, lens: Lens, list: Option<&TierList>) -> Facts {
    let summary = &view.snapshot.summary;
    Facts {
        age: match view.purpose {
            Purpose::Serving => format::age(view.age()),
            Purpose::Files => format!("published {} later", format::span(view.age())),
        },
        endpoints: format::grouped(summary.endpoints as u64),
        tokens: format::tokens(summary.tokens_per_day),
        covered: summary.covered_share.map(format::percent),
        sure_to: list.and_then(|l| typical_interval(l, lens)),
    }
}

/// Half the width of the median interval; `None` if there are no intervals.
fn typical_interval(list: &TierList, lens: Lens) -> Option<String> {
    let half = |row: &ProviderTier| Some((row.high? - row.low?).abs() / 2.0);
    let middle = median(list.providers.iter().filter_map(half))?;
    Some(match lens {
        Lens::Cache => format!("{:.0} points", middle * 100.0),
        Lens::Cost => format::percent(middle),
        Lens::Reliability | Lens::Speed | Lens::Overall => format!("{middle:.1}\u{202f}σ"),
    })
}
