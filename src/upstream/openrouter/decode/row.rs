//! One row between the wire types and the domain types: its path, its pair, and its refused fields.

use crate::domain::bounds::{self, Bounds};
use crate::domain::document::Pair;
use crate::domain::reading::QuarantineReason;
use crate::domain::units::{Percent, UsdPerMtok, UsdPerToken};
use rust_decimal::Decimal;
use std::fmt::Debug;

/// The upstream's sentinel for "no fixed price".
const NO_FIXED_PRICE: Decimal = Decimal::NEGATIVE_ONE;

/// Why a field or a row is refused.
#[derive(Debug)]
pub struct Fault {
    /// Why.
    pub reason: QuarantineReason,
    /// JSON path in the body.
    pub path: String,
    /// The value and the problem with it.
    pub detail: String,
}

/// A row: it checks its fields and records the refused ones.
#[derive(Debug)]
pub struct Row {
    /// JSON path of the row in the body.
    pub path: String,
    /// The pair of the row, if the document does not name it.
    pub pair: Option<Pair>,
    /// Refused fields.
    pub faults: Vec<Fault>,
}

impl Row {
    /// A row at a path.
    pub fn at(path: String) -> Self {
        Self { path, pair: None, faults: Vec::new() }
    }

    /// Records a refused field.
    pub fn fault(&mut self, reason: QuarantineReason, field: &str, detail: impl Into<String>) {
        let path = super::join_path(&self.path, field);
        self.faults.push(Fault { reason, path, detail: detail.into() });
    }

    /// The value, if it is within its bounds; otherwise the field is refused and counts as absent.
    pub fn within<T: PartialOrd + Copy + Debug>(
        &mut self,
        field: &str,
        value: Option<T>,
        bounds: &Bounds<T>,
    ) -> Option<T> {
        match bounds.check(value?) {
            Ok(value) => Some(value),
            Err(detail) => {
                self.fault(QuarantineReason::ValueOutOfRange, field, detail);
                None
            }
        }
    }

    /// A list price in the unit of this program.
    pub fn price(&mut self, field: &str, per_token: Option<Decimal>) -> Option<UsdPerMtok> {
        let fixed = per_token.filter(|price| *price != NO_FIXED_PRICE);
        let price = self.within(field, fixed, &bounds::LIST_PRICE)?;
        UsdPerToken(price).per_mtok()
    }

    /// The length of a context, prompt or answer, tokens.
    pub fn length(&mut self, field: &str, tokens: Option<i64>) -> Option<i64> {
        self.within(field, tokens, &bounds::LENGTH)
    }

    /// A percentage, converted to a fraction.
    pub fn percent(&mut self, field: &str, percent: Option<f64>) -> Option<f64> {
        self.within(field, percent, &bounds::PERCENT).and_then(|percent| Percent(percent).fraction())
    }

    /// A code or a clock time.
    pub fn small(&mut self, field: &str, value: Option<i64>, bounds: &Bounds<i64>) -> Option<i32> {
        self.within(field, value, bounds).and_then(|value| i32::try_from(value).ok())
    }
}
