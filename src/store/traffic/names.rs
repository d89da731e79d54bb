//! The names of closed lists in the database: the same as in JSON.

use crate::request_log::{IdKind, InputRule, Name, OutputRule, PaidKind, SessionKind, Status};
use crate::store::StoreError;
use crate::store::columns::{Column, Value};
use std::sync::Arc;

/// A value of a closed list.
pub(super) trait Named: Sized + Copy + 'static {
    /// All values with their names.
    const NAMES: &'static [(Self, &'static str)];
}

macro_rules! named {
    ($($type:ident: $what:literal { $($value:ident $name:literal,)+ })+) => {$(
        impl Named for $type {
            const NAMES: &'static [(Self, &'static str)] = &[$((Self::$value, $name)),+];
        }

        impl Value for $type {
            fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
                let name = column.text(row)?;
                let found = Self::NAMES.iter().find(|(_, known)| *known == name);
                found.map(|(value, _)| *value).ok_or_else(|| {
                    StoreError::Content { what: $what, detail: name.to_owned() }
                })
            }
        }
    )+};
}

named! {
    IdKind: "kind of id" {
        Generation "generation",
        Response "response",
        Message "message",
        Span "span",
        Row "row",
        Position "position",
    }
    SessionKind: "kind of session" {
        Given "given",
        GivenPerRequest "given_per_request",
        File "file",
        Guessed "guessed",
        None "none",
    }
    PaidKind: "kind of payment" {
        Billed "billed",
        BilledPlusByok "billed_plus_byok",
        FeeOnly "fee_only",
        ComputedByTool "computed_by_tool",
        SubscriptionZero "subscription_zero",
        Unknown "unknown",
    }
    Status: "status of a call" {
        Ok "ok",
        Error "error",
        Cancelled "cancelled",
        Refused "refused",
        RateLimited "rate_limited",
        Timeout "timeout",
        Unknown "unknown",
    }
    InputRule: "rule of the input" {
        IncludesReadAndWritten "includes_read_and_written",
        IncludesRead "includes_read",
        IncludesWritten "includes_written",
        Excludes "excludes",
    }
    OutputRule: "rule of the output" {
        IncludesReasoning "includes_reasoning",
        ExcludesReasoning "excludes_reasoning",
    }
}

/// The name of a value in the database.
pub(super) fn name<T: Named + PartialEq>(value: T) -> &'static str {
    T::NAMES.iter().find(|(known, _)| *known == value).map_or("", |(_, name)| name)
}

impl Value for Name {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        column.text(row).map(Arc::from)
    }
}

impl Value for u64 {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        let number = i64::read(column, row)?;
        let detail = || StoreError::Content { what: "number", detail: number.to_string() };
        number.try_into().map_err(|_| detail())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same_as_in_json<T: Named + serde::Serialize + PartialEq>() {
        for (value, known) in T::NAMES {
            assert_eq!(serde_json::to_value(value).expect("a name"), *known);
            assert_eq!(name(*value), *known);
        }
    }

    #[test]
    fn names_are_those_of_json() {
        same_as_in_json::<IdKind>();
        same_as_in_json::<SessionKind>();
        same_as_in_json::<PaidKind>();
        same_as_in_json::<Status>();
        same_as_in_json::<InputRule>();
        same_as_in_json::<OutputRule>();
    }
}
