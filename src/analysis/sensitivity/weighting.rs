//! Other weights of the cells.

use super::shift::{Shift, rated};
use crate::analysis::AnalysisError;
use crate::analysis::lenses::Gauge;
use crate::analysis::ranking::{Ground, adjusted_cells, effects, observations, published_weight};
use crate::analysis::resample::on_centre_of;
use crate::domain::ids::names;
use crate::domain::tier::Lens;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

names! {
    /// Another weight of a cell than the published one, the square root of its tokens a day.
    Weighting {
        /// Every cell counts alike.
        Equal = "equal",
        /// The logarithm of its tokens a day.
        Log = "log",
        /// Its tokens a day.
        Tokens = "tokens",
    }
}

impl Weighting {
    fn weight(self, tokens: f64) -> f64 {
        match self {
            Self::Equal => 1.0,
            Self::Log => tokens.ln(),
            Self::Tokens => tokens,
        }
    }
}

/// The effects under another weighting, compared with the published ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightingShift {
    /// The lens; `cost` under the default workload.
    pub lens: Lens,
    /// The other weighting.
    pub weighting: Weighting,
    /// How far the effects differ.
    #[serde(flatten)]
    pub shift: Shift,
}

/// Solves the effects under every weighting. Cells, ridge and centre stay: for `cost` the centre is the median of the
/// rated providers, otherwise the mean with the published weights.
pub(super) fn shifts(gauge: &Gauge<'_>, ground: &Ground<'_>) -> Result<Vec<WeightingShift>, AnalysisError> {
    let (cells, _) = adjusted_cells(gauge, ground)?;
    let published = effects(gauge, &observations(&cells, ground, published_weight), ground)?;
    let shifted = |weighting: Weighting| {
        let rows = observations(&cells, ground, |tokens| weighting.weight(tokens));
        let other = effects(gauge, &rows, ground)?;
        let other: Vec<Option<f64>> = match gauge.lens {
            Lens::Cost => (0..ground.providers.len()).map(|number| other.comparable(number)).collect(),
            _ => on_centre_of(&published, &other),
        };
        let both = |number: usize| rated(&published, number).zip(other[number]);
        let named = ground.providers.iter().enumerate();
        let pairs: BTreeMap<&str, (f64, f64)> =
            named.filter_map(|(number, provider)| Some((*provider, both(number)?))).collect();
        Ok(WeightingShift { lens: gauge.lens, weighting, shift: Shift::between(gauge.lens, &pairs) })
    };
    Weighting::ALL.into_iter().map(shifted).collect()
}
