//! How long readings are kept.

use super::ConfigError;
use serde::{Deserialize, Serialize};

/// The lowest number of days of [`Retention::hourly_days`] besides 0. Changes of the last 90 UTC days are derived from
/// readings, and change points are detected against up to 30 days before them. The backtest (60 days), the hourly pages
/// (8 days) and the lens window (7 days) need less.
pub const MIN_HOURLY_DAYS: u32 = 120;

/// How long readings are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Number of UTC days whose hourly readings are kept; older days are rolled up. 0 keeps everything.
    pub hourly_days: u32,
}

impl Retention {
    /// # Errors
    /// [`ConfigError::Value`] if the number of days is too low for what is computed from readings.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.hourly_days == 0 || self.hourly_days >= MIN_HOURLY_DAYS {
            return Ok(());
        }
        Err(ConfigError::Value {
            key: "retention.hourly_days",
            detail: format!(
                "expected 0 (keep everything) or at least {MIN_HOURLY_DAYS}: changes of the last 90 days are derived from \
                 hourly readings, and change points need up to 30 days before them"
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use std::path::Path;

    #[test]
    fn a_time_that_is_too_short_is_refused_with_the_reason() {
        let parse = |days: u32| {
            let text = format!("[retention]\nhourly_days = {days}\n");
            Config::parse(&text, Path::new("hitrate.toml"))
        };
        for days in [0, super::MIN_HOURLY_DAYS, 3650] {
            assert_eq!(parse(days).expect("valid").retention.hourly_days, days);
        }
        let error = parse(super::MIN_HOURLY_DAYS - 1).expect_err("refused").to_string();
        assert!(error.contains("retention.hourly_days") && error.contains("90 days"), "{error}");
    }
}
