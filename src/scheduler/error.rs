//! Errors of cron expressions.

/// Why a cron expression was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum CronError {
    /// Not five fields.
    #[error(
        "cron expression `{expression}` has {found} fields; write five: minute hour day-of-month month day-of-week (there is no seconds field)"
    )]
    FieldCount { expression: String, found: usize },
    /// A field cannot be parsed.
    #[error("invalid cron field {field} `{text}`: {reason}")]
    Field { field: &'static str, text: String, reason: String },
    /// An unknown `@word`.
    #[error(
        "unknown cron shorthand `{word}`; write @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually or five fields"
    )]
    Shorthand { word: String },
    /// A date that does not exist, such as 30 February.
    #[error("cron expression `{expression}` never comes due: the calendar has no such day")]
    NeverDue { expression: String },
    /// The library rejected the expression.
    #[error("cron expression `{expression}` cannot be scheduled: {reason}")]
    Library { expression: String, reason: String },
}
