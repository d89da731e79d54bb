//! Settings: one struct a section, the defaults in `data/hitrate.toml`, unknown keys refused with their path.

use crate::domain::workload::Workload;
use crate::domain::workload_file::{self, FileKind, WorkloadError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The documented defaults: every key stands in it.
pub const DEFAULTS: &str = include_str!("../data/hitrate.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whom to ask.
    pub upstream: Upstream,
    /// How politely.
    pub fetch: Fetch,
    /// When.
    pub schedule: Schedule,
    /// Limits of the database.
    pub store: StoreLimits,
    /// Where to answer.
    pub serve: Serve,
    /// The user's own workloads.
    pub workloads: Workloads,
}

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Base address.
    pub base_url: String,
    /// Contact in the User-Agent; empty is warned about.
    pub contact_url: String,
    /// Whether the documented API is read.
    pub openrouter_api: bool,
    /// Whether the undocumented statistics are read.
    pub openrouter_stats: bool,
    /// Whether the statistics' daily series of hit rates is read, once a UTC day.
    pub hit_rate_comparison: bool,
}

/// How politely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// Requests a second; 0 is unlimited.
    pub rate_per_second: f64,
    /// Requests in flight.
    pub max_connections: usize,
    /// Requests a sweep.
    pub requests_per_sweep: u32,
    /// Seconds a request.
    pub timeout_seconds: u64,
    /// MiB a body.
    pub max_body_mib: usize,
}

/// When to collect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five-field cron, UTC.
    pub cron: String,
    /// Seconds.
    pub jitter_seconds: u64,
    /// Whether to make up for a missed sweep.
    pub catch_up: bool,
}

/// Limits of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreLimits {
    /// In DuckDB's spelling.
    pub memory: String,
    /// Threads.
    pub threads: i64,
    /// Seconds a query.
    pub query_timeout_seconds: u64,
}

/// Where to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// Address and port.
    pub listen: String,
    /// Where readers reach it, without a trailing slash; empty where that is not told.
    pub public_url: String,
    /// Requests a minute and client for what is not prepared; 0 is unlimited.
    pub requests_per_minute: u32,
    /// Header with the client's address, written by a proxy in front; empty where there is none.
    pub client_header: String,
}

/// The user's own workloads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workloads {
    /// A file of them, TOML or JSON by its name; a relative path counts from the data folder. Empty: none.
    pub file: String,
}

/// What can be wrong with settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings {path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path}: {source}")]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: Box<toml::de::Error>,
    },
    /// A key is unknown or has the wrong type.
    #[error("{path}: at `{key}`: {detail}; `hitrate config --defaults` prints every setting")]
    Key {
        /// Which file.
        path: PathBuf,
        /// Path of the key.
        key: String,
        /// What is wrong.
        detail: String,
    },
    /// A value is out of its range.
    #[error("setting `{key}`: {detail}")]
    Value {
        /// Path of the key.
        key: &'static str,
        /// What is wrong, and what would be right.
        detail: String,
    },
}

impl Config {
    /// The defaults, overlaid with a file: the one named, else `hitrate.toml` in the data folder if there is one.
    ///
    /// # Errors
    /// [`ConfigError`] naming file and key.
    pub fn load(named: Option<&Path>, data_dir: &Path) -> Result<Self, ConfigError> {
        let beside = data_dir.join("hitrate.toml");
        match named {
            Some(path) => Self::from_file(path),
            None if beside.exists() => Self::from_file(&beside),
            None => Self::parse("", Path::new("hitrate.toml")),
        }
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads settings from a text, over the defaults.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let table = |text: &str| {
            text.parse::<Table>()
                .map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })
        };
        let mut merged = table(DEFAULTS)?;
        overlay(&mut merged, table(text)?);
        let config: Self =
            serde_path_to_error::deserialize(Value::Table(merged)).map_err(|error| ConfigError::Key {
                path: path.to_owned(),
                key: error.path().to_string(),
                detail: error.inner().message().to_owned(),
            })?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, detail: &str| Err(ConfigError::Value { key, detail: detail.into() });
        let url = &self.upstream.base_url;
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return wrong("upstream.base_url", "an http or https address is needed");
        }
        if !self.upstream.openrouter_api && !self.upstream.openrouter_stats {
            return wrong("upstream", "both sources are off: there is nothing to collect");
        }
        if self.fetch.max_connections == 0 || self.fetch.max_connections > 16 {
            return wrong("fetch.max_connections", "1 to 16");
        }
        if !(self.fetch.rate_per_second >= 0.0 && self.fetch.rate_per_second.is_finite()) {
            return wrong("fetch.rate_per_second", "0 (unlimited) or more");
        }
        let public = &self.serve.public_url;
        let is_web = public.starts_with("https://") || public.starts_with("http://");
        let is_plain = !public.contains(['"', '<', '>', '?', '#', ' ']);
        let is_usable = is_web && is_plain;
        if !public.is_empty() && !is_usable {
            return wrong(
                "serve.public_url",
                "an http or https address without query, like https://tiers.example.org",
            );
        }
        let header = &self.serve.client_header;
        if !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return wrong("serve.client_header", "the name of a header is needed, as X-Forwarded-For");
        }
        if self.store.threads < 1 {
            return wrong("store.threads", "1 or more");
        }
        Ok(())
    }

    /// The workloads in force: the shipped ones and those of the user's file, read afresh.
    ///
    /// # Errors
    /// [`WorkloadError`] where the file cannot be read, a value is none that a session can have, or a name is taken.
    pub fn workloads(&self, data_dir: &Path) -> Result<Vec<Workload>, WorkloadError> {
        let file = self.workloads.file.trim();
        if file.is_empty() {
            return Workload::shipped();
        }
        let path = data_dir.join(file);
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(&path)
            .map_err(|source| WorkloadError::Io { path: shown.clone(), source })?;
        let json = path.extension().is_some_and(|extension| extension == "json");
        let kind = if json { FileKind::Json } else { FileKind::Toml };
        workload_file::joined(workload_file::read(&text, kind, &shown)?, &shown)
    }

    /// The User-Agent of every request: program, version and contact.
    pub fn user_agent(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        match self.upstream.contact_url.trim() {
            "" => format!("hitrate/{version}"),
            contact => format!("hitrate/{version} (+{contact})"),
        }
    }
}

/// Lays a table over another, key by key.
fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => overlay(inner, over),
            // A whole number where a fraction is meant is no mistake.
            (Some(slot @ Value::Float(_)), Value::Integer(number)) => *slot = Value::Float(number as f64),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("hitrate.toml"))
    }

    #[test]
    fn a_file_changes_what_it_names_and_nothing_else() {
        let config = parse("[fetch]\nrate_per_second = 2\n").expect("valid");
        assert_eq!(config.fetch.rate_per_second, 2.0);
        assert_eq!(config.schedule.cron, "57 * * * *");
        assert!(config.upstream.openrouter_stats);
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_with_their_path() {
        let unknown = parse("[fetch]\nrate = 2\n").expect_err("refused").to_string();
        assert!(unknown.contains("fetch") && unknown.contains("rate"), "{unknown}");
        let wrong = parse("[store]\nthreads = \"two\"\n").expect_err("refused").to_string();
        assert!(wrong.contains("store.threads"), "{wrong}");
        assert!(parse("[upstream]\nopenrouter_api = false\nopenrouter_stats = false\n").is_err());
        assert!(parse("[fetch]\nmax_connections = 17\n").is_err());
        assert!(parse("[serve]\nclient_header = \"X Forwarded\"\n").is_err());
    }

    #[test]
    fn the_contact_stands_in_the_user_agent() {
        let config = parse("[upstream]\ncontact_url = \"https://example.org/bot\"\n").expect("valid");
        assert!(config.user_agent().ends_with("(+https://example.org/bot)"));
    }
}
