//! The ranges of settings that are plain numbers or amounts of memory.

use super::{Config, ConfigError};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// Smallest memory limit with which the store can work, bytes.
const LEAST_MEMORY: f64 = 64e6;
/// Units of an amount of memory, in DuckDB's notation, and their bytes.
const UNITS: [(&str, f64); 8] = [
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KIB", 1024.0),
    ("MIB", 1_048_576.0),
    ("GIB", 1_073_741_824.0),
    ("TIB", 1_099_511_627_776.0),
];

/// Checks the numbers of the settings that have no check of their own.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    within("fetch.rate_per_second", config.fetch.rate_per_second, 0.0..=1000.0)?;
    within("fetch.requests_per_sweep", config.fetch.requests_per_sweep, 1..=1_000_000)?;
    within("fetch.timeout_seconds", config.fetch.timeout_seconds, 1..=600)?;
    within("fetch.max_body_mib", config.fetch.max_body_mib, 1..=1024)?;
    within("fetch.max_sweep_mib", config.fetch.max_sweep_mib, 1..=65_536)?;
    within("fetch.max_sweep_minutes", config.fetch.max_sweep_minutes, 1..=1440)?;
    within("fetch.max_attempts", config.fetch.max_attempts, 1..=10)?;
    within("fetch.retry_delay_ms", config.fetch.retry_delay_ms, 0..=60_000)?;
    within("schedule.jitter_seconds", config.schedule.jitter_seconds, 0..=3600)?;
    within("store.threads", config.store.threads, 1..=256)?;
    within("store.query_timeout_seconds", config.store.query_timeout_seconds, 1..=86_400)?;
    let memory = &config.store.memory;
    if bytes(memory).is_none_or(|bytes| bytes < LEAST_MEMORY) {
        return Err(ConfigError::Value {
            key: "store.memory",
            detail: format!(
                "`{memory}` is not allowed; expected a number with a unit (KB, MB, GB, TB, KiB, MiB, GiB or TiB), at least 64MB, such as 1GB"
            ),
        });
    }
    Ok(())
}

fn within<T: PartialOrd + Display>(
    key: &'static str,
    value: T,
    range: RangeInclusive<T>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let detail = format!("`{value}` is not allowed; expected {} to {}", range.start(), range.end());
    Err(ConfigError::Value { key, detail })
}

/// An amount of memory in bytes; `None` if it is none.
fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let number = number.trim();
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let number: f64 = number.parse().ok().filter(|_| is_plain)?;
    let unit = unit.to_ascii_uppercase();
    UNITS.iter().find(|(name, _)| *name == unit).map(|(_, bytes)| number * bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn refused(text: &str) -> String {
        Config::parse(text, Path::new("hitrate.toml")).expect_err(text).to_string()
    }

    #[test]
    fn a_number_outside_of_its_range_is_refused_with_setting_value_and_range() {
        for (section, line, key, value) in [
            ("store", "threads = 100000", "store.threads", "100000"),
            ("store", "threads = 0", "store.threads", "0"),
            ("store", "memory = \"lots\"", "store.memory", "lots"),
            ("store", "memory = \"\"", "store.memory", ""),
            ("store", "memory = \"10KB\"", "store.memory", "10KB"),
            ("store", "memory = \"-1GB\"", "store.memory", "-1GB"),
            ("store", "query_timeout_seconds = 0", "store.query_timeout_seconds", "0"),
            ("fetch", "timeout_seconds = 0", "fetch.timeout_seconds", "0"),
            ("fetch", "requests_per_sweep = 0", "fetch.requests_per_sweep", "0"),
            ("fetch", "max_body_mib = 0", "fetch.max_body_mib", "0"),
            ("fetch", "max_body_mib = 100000000", "fetch.max_body_mib", "100000000"),
            ("fetch", "max_sweep_minutes = 0", "fetch.max_sweep_minutes", "0"),
            ("fetch", "max_attempts = 0", "fetch.max_attempts", "0"),
            ("fetch", "retry_delay_ms = 60001", "fetch.retry_delay_ms", "60001"),
            ("fetch", "rate_per_second = inf", "fetch.rate_per_second", "inf"),
            ("schedule", "jitter_seconds = 1000000", "schedule.jitter_seconds", "1000000"),
        ] {
            let message = refused(&format!("[{section}]\n{line}\n"));
            for part in [key, &format!("`{value}`"), "expected"] {
                assert!(message.contains(part), "{line}: {message} lacks {part}");
            }
        }
    }

    #[test]
    fn amounts_of_memory_are_those_of_duckdb() {
        assert_eq!(bytes("1GB"), Some(1e9));
        assert_eq!(bytes("1.5 gib"), Some(1.5 * 1_073_741_824.0));
        assert_eq!(bytes(" 512MiB "), Some(512.0 * 1_048_576.0));
        for wrong in ["", "GB", "1", "80%", "1e3MB", "1PB", "1_000MB", "-1GB", "NaNGB", "infGB"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
        for text in ["[store]\nmemory = \"64MB\"\n", "[store]\nmemory = \"2GiB\"\nthreads = 256\n"] {
            Config::parse(text, Path::new("hitrate.toml")).expect("valid");
        }
    }
}
