//! The lines around the tier list: how recent and how certain it is.

use crate::domain::statistics::median;
use crate::domain::tier::Lens;
use crate::prepared::Purpose;
use crate::site::parts::format;
use crate::site::parts::shell::View;
use crate::snapshot::{ProviderTier, TierList};

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
        Lens::Cache => format!("{:.0}\u{a0}points", middle * 100.0),
        Lens::Cost => format::percent(middle),
        Lens::Reliability | Lens::Speed | Lens::Overall => {
            format!("{middle:.1}\u{a0}standard\u{a0}deviations")
        }
    })
}
