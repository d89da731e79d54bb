//! What imported data is called.

use crate::domain::imported::ImportKind;
use crate::domain::window::Basis;

/// A kind of source, as a fragment.
pub fn kind(kind: ImportKind) -> &'static str {
    match kind {
        ImportKind::PriceCharts => "price charts",
        ImportKind::ListedPrices => "log of list prices",
        ImportKind::UptimeHours => "uptime by hour",
        ImportKind::ClosingRates => "closing rates",
        ImportKind::Activity => "activity",
        ImportKind::Export => "export",
        ImportKind::Bodies => "archived bodies",
        ImportKind::Series => "recorded series",
    }
}

/// The label of an imported value: where it comes from, and whether a hit rate was computed from the day's price.
pub fn label(of: ImportKind, basis: Option<Basis>) -> String {
    let derived = if basis == Some(Basis::Derived) { " (derived)" } else { "" };
    format!("imported: {}{derived}", kind(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_derived_rate_is_always_labelled() {
        assert_eq!(label(ImportKind::PriceCharts, Some(Basis::Derived)), "imported: price charts (derived)");
        assert_eq!(label(ImportKind::ClosingRates, Some(Basis::Comparison)), "imported: closing rates");
        assert_eq!(label(ImportKind::Series, None), "imported: recorded series");
    }
}
