//! Findings: upstream fields whose meaning changed, which is why a sweep is not published.

use super::ids::names;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

names! {
    /// The check that a field failed.
    Check {
        /// Rows that the list had before are missing.
        RowsLost = "rows_lost",
        /// Rows of a list are repeated.
        RowsRepeated = "rows_repeated",
        /// Documents are empty.
        DocumentsEmpty = "documents_empty",
        /// Values that existed before are missing.
        ValuesLost = "values_lost",
        /// Values appeared where there were none before.
        ValuesAppeared = "values_appeared",
        /// Values became 0.
        Zeroed = "zeroed",
        /// Zeros became other values.
        Raised = "raised",
        /// Numbers changed their sign.
        SignChanged = "sign_changed",
        /// Numbers changed by one common factor, or most of them by some factor.
        Shifted = "shifted",
        /// Texts or flags changed.
        Changed = "changed",
        /// Rows or values could not be used.
        Quarantined = "quarantined",
        /// The upstream's own aggregate disagrees.
        Aggregate = "aggregate",
        /// Effective price, hit rate and list prices contradict each other.
        PriceIdentity = "price_identity",
        /// The two sources list different prices or statuses.
        PriceSources = "price_sources",
        /// Tokens grow at a different rate, or fall within a day.
        Volume = "volume",
        /// Values of past days changed.
        Restated = "restated",
        /// Far fewer or far more than on recent days.
        Count = "count",
    }
}

/// One field of a sweep that is implausible compared with earlier sweeps, or in itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// Document and field of the upstream, such as `effective_pricing.cacheHitRate`: the name that `hitrate accept`
    /// expects.
    pub field: String,
    /// The check that failed.
    pub check: Check,
    /// The figure in the last accepted run, or the largest plausible one; `detail` explains what it counts.
    pub before: Option<f64>,
    /// The same figure in this sweep.
    pub after: Option<f64>,
    /// One sentence for people: which field changed and how.
    pub detail: String,
}

/// The fields of findings in their order, each once.
pub fn fields(findings: &[Finding]) -> Vec<&str> {
    let mut fields: Vec<&str> = Vec::new();
    for finding in findings {
        if !fields.contains(&finding.field.as_str()) {
            fields.push(&finding.field);
        }
    }
    fields
}

/// The findings about a sweep, divided into open ones and those that an operator accepted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    /// Findings that make the sweep suspect.
    pub open: Vec<Finding>,
    /// Findings that an operator accepted by field name.
    pub accepted: Vec<Finding>,
}

impl Findings {
    /// Divides the findings by whether an operator accepted the field. A name that no finding has any more is that of an
    /// older version, which named the document in place of the field: it accepts the fields of that document.
    pub fn divide(found: Vec<Finding>, accepted: &[String]) -> Self {
        let older: Vec<String> = accepted
            .iter()
            .filter(|name| !found.iter().any(|finding| finding.field == **name))
            .map(|name| format!("{name}."))
            .collect();
        let is_accepted = |finding: &Finding| {
            accepted.contains(&finding.field) || older.iter().any(|name| finding.field.starts_with(name))
        };
        let (accepted, open) = found.into_iter().partition(is_accepted);
        Self { open, accepted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open_fields(found: &[&str], accepted: &[&str]) -> Vec<String> {
        let finding = |field: &&str| Finding {
            field: (*field).to_owned(),
            check: Check::Shifted,
            before: None,
            after: None,
            detail: String::new(),
        };
        let accepted: Vec<String> = accepted.iter().map(|name| (*name).to_owned()).collect();
        let findings = Findings::divide(found.iter().map(finding).collect(), &accepted);
        findings.open.into_iter().map(|finding| finding.field).collect()
    }

    #[test]
    fn an_older_acceptance_of_a_document_covers_its_fields() {
        assert!(open_fields(&["series.y"], &["series"]).is_empty());
        assert_eq!(
            open_fields(&["series", "series.y"], &["series"]),
            ["series.y"],
            "the name is still in use"
        );
        assert_eq!(open_fields(&["seriesly.y"], &["series"]), ["seriesly.y"]);
    }
}
