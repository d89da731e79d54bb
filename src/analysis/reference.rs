//! The reference for full retention: a high quantile of a model's hit rates, borrowed from other models if the model
//! has too few data.

use super::standing::Standing;
use super::statistics::weighted_quantile;
use crate::domain::session::ReferenceBasis;
use crate::domain::thresholds::{REFERENCE_MIN_ENDPOINTS, REFERENCE_QUANTILE};
use std::collections::BTreeMap;

/// The reference hit rate of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelReference {
    /// Canonical slug.
    pub model: String,
    /// Hit rate that counts as retention 1, 0..1; 0 if no cache hit was ever reported.
    pub hit_rate: f64,
    /// Its source.
    pub basis: ReferenceBasis,
}

/// References by canonical slug, over the endpoints of standard variants with traffic.
pub(super) fn references(field: &[Standing]) -> Vec<ModelReference> {
    let mut models: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let mut authors: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let mut all = Vec::new();
    for standing in field {
        let own = models.entry(&standing.model).or_default();
        let (Some(hits), Some(tokens)) = (standing.caching_rate(), standing.tokens) else { continue };
        if tokens <= 0.0 || standing.variant != "standard" {
            continue;
        }
        own.push((hits, tokens));
        authors.entry(author(&standing.model)).or_default().push((hits, tokens));
        all.push((hits, tokens));
    }
    let of_all = weighted_quantile(&all, REFERENCE_QUANTILE).unwrap_or(0.0);
    let reference = |(model, own): (&&str, &Vec<(f64, f64)>)| {
        let pooled = authors.get(author(model)).map_or(&[][..], Vec::as_slice);
        let (hit_rate, basis) = match (enough(own), enough(pooled)) {
            (Some(own), _) => (own, ReferenceBasis::Model),
            (None, Some(author)) => (author, ReferenceBasis::Author),
            (None, None) => (of_all, ReferenceBasis::All),
        };
        ModelReference { model: (*model).to_owned(), hit_rate, basis }
    };
    models.iter().map(reference).collect()
}

fn author(model: &str) -> &str {
    model.split('/').next().unwrap_or(model)
}

fn enough(pairs: &[(f64, f64)]) -> Option<f64> {
    let quantile = weighted_quantile(pairs, REFERENCE_QUANTILE).filter(|q| *q > 0.0);
    quantile.filter(|_| pairs.len() >= REFERENCE_MIN_ENDPOINTS)
}
