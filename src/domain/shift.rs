//! Lasting shifts of a measured number of an endpoint, as the change-point method finds them.

use super::change::{ChangeKind, ChangedField, ShiftEvidence};
use chrono::{DateTime, Utc};

/// The fields that are examined for shifts, in this order.
pub const SHIFT_FIELDS: [ChangedField; 5] = [
    ChangedField::HitRate,
    ChangedField::EffectiveInput,
    ChangedField::Throughput,
    ChangedField::LatencyMs,
    ChangedField::Uptime,
];

/// A lasting shift of one field of one endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// The record's number of the endpoint.
    pub endpoint: i64,
    /// What shifted: one of [`SHIFT_FIELDS`].
    pub field: ChangedField,
    /// Start of the first period after the shift. Later shifts are looked for only after it.
    pub from: DateTime<Utc>,
    /// The first reading after the shift.
    pub at: DateTime<Utc>,
    /// Level before, in the unit of the field.
    pub before: f64,
    /// Level after, in the unit of the field.
    pub after: f64,
    /// Hours from the first reading that was compared to the shift.
    pub hours_before: i64,
    /// Hours from the shift to the last reading that was compared.
    pub hours_after: i64,
    /// Why it counts as a shift.
    pub evidence: ShiftEvidence,
}

/// The kind of change that a shift of a field is; `None` for a field that is not examined.
pub fn shift_kind(field: ChangedField) -> Option<ChangeKind> {
    match field {
        ChangedField::HitRate => Some(ChangeKind::HitRateShift),
        ChangedField::EffectiveInput => Some(ChangeKind::EffectivePriceShift),
        ChangedField::Throughput | ChangedField::LatencyMs => Some(ChangeKind::SpeedShift),
        ChangedField::Uptime => Some(ChangeKind::UptimeShift),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_examined_field_has_its_kind_and_no_other_has_one() {
        for field in ChangedField::ALL {
            assert_eq!(shift_kind(field).is_some(), SHIFT_FIELDS.contains(&field), "{field}");
        }
    }
}
