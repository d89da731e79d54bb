//! What the statistics still offer of the past: the requests for it, and how their answers are read.
//!
//! | document | route | reach |
//! |---|---|---|
//! | price charts | `stats/effective-pricing` with `range` | months, by day |
//! | list prices | `stats/listed-pricing` with `range` | not stated; every change |
//! | closing hit rates | `stats/cache-hit-rate-comparison` | 8 days |
//! | activity | `stats/model-activity` | 31 days |
//! | uptime | `stats/uptime-hourly` | 72 hours |

mod listed;
mod plan;
mod rows;
mod uptime;
mod values;

use super::{DocumentKind, shape};
use crate::domain::document::Request;
use crate::domain::ids::{DocumentName, names};
use crate::domain::imported::ImportKind;
use crate::upstream::Outcome;
use crate::upstream::history::{KnownEndpoint, PastBody};

pub(super) use plan::plan;

names! {
    /// A kind of documents about the past. Its name appears in manifests, so it never changes.
    PastKind {
        /// List prices.
        Listed = "past_list_prices",
        /// Price charts.
        Charts = "past_price_charts",
        /// Closing hit rates.
        Rates = "past_closing_rates",
        /// Activity.
        Activity = "past_activity",
        /// Uptime by hour.
        Uptime = "past_uptime",
    }
}

impl PastKind {
    /// The kind of data in its documents.
    fn imports(self) -> ImportKind {
        match self {
            Self::Listed => ImportKind::ListedPrices,
            Self::Charts => ImportKind::PriceCharts,
            Self::Rates => ImportKind::ClosingRates,
            Self::Activity => ImportKind::Activity,
            Self::Uptime => ImportKind::UptimeHours,
        }
    }
}

impl From<PastKind> for DocumentName {
    fn from(kind: PastKind) -> Self {
        Self::new(kind.as_str())
    }
}

/// Reads a document; `None` if it has no answer, is not about the past, or the upstream has none (404).
pub(super) fn read(outcome: &Outcome<'_>, known: &[KnownEndpoint]) -> Option<PastBody> {
    let kind = PastKind::parse(outcome.request.kind.as_str())?;
    if outcome.answered()? != 200 {
        return None;
    }
    let mut body = PastBody::of(kind.imports());
    if let Some(detail) = shape::refusal(outcome.body) {
        body.refused.push(("$".to_owned(), detail));
        return Some(body);
    }
    match kind {
        PastKind::Listed => listed::read(outcome, known, &mut body),
        PastKind::Charts => {
            rows::charts(&as_document(outcome, DocumentKind::EffectivePricing), known, &mut body)
        }
        PastKind::Rates => {
            rows::rates(&as_document(outcome, DocumentKind::HitRateComparison), known, &mut body)
        }
        PastKind::Activity => rows::activity(&as_document(outcome, DocumentKind::ModelActivity), &mut body),
        PastKind::Uptime => uptime::read(outcome, known, &mut body),
    }
    Some(body)
}

/// A document of the past with the kind of the same document of a sweep, so that one decoder reads both.
struct AsDocument<'a> {
    request: Request,
    of: &'a Outcome<'a>,
}

fn as_document<'a>(of: &'a Outcome<'a>, kind: DocumentKind) -> AsDocument<'a> {
    AsDocument { request: Request { kind: kind.into(), ..of.request.clone() }, of }
}
