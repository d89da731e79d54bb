//! Errors of cron expressions.

/// Why a cron expression was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CronError {
    /// Not five fields.
    #[error(
        "cron expression `{expression}` has {found} fields; write five: minute hour day-of-month month day-of-week (there is no seconds field)"
    )]
    FieldCount {
        /// The expression as written.
        expression: String,
        /// How many fields it has.
        found: usize,
    },
    /// A field cannot be parsed.
    #[error("invalid cron field {field} `{text}`: {reason}")]
    Field {
        /// The name of the field.
        field: &'static str,
        /// The part that is wrong.
        text: String,
        /// What was expected instead.
        reason: String,
    },
    /// An unknown `@word`.
    #[error(
        "unknown cron shorthand `{word}`; write @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually or five fields"
    )]
    Shorthand {
        /// The word as written.
        word: String,
    },
    /// A date that does not exist, such as 30 February.
    #[error("cron expression `{expression}` never comes due: the calendar has no such day")]
    NeverDue {
        /// The expression as written.
        expression: String,
    },
    /// The library rejected the expression.
    #[error("cron expression `{expression}` cannot be scheduled: {reason}")]
    Library {
        /// The expression as written.
        expression: String,
        /// The library's error message.
        reason: String,
    },
}
