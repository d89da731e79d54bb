//! Settings: one struct per section, with the defaults in `data/hitrate.toml`. Unknown keys are rejected with their
//! path.

mod address;
mod alerts;
mod alerts_rules;
mod backfill;
mod file_text;
mod limits;
mod log;
mod retention;

pub use address::server_url;
pub use alerts::{Alerts, Digest, Hidden, MASK, QuietHours, Receiver, ReceiverKind, SmtpTls};
pub use alerts_rules::{DEFAULT_WORKLOAD, Importance, Rule};
pub use backfill::Backfill;
use file_text::read_file_text;
pub use file_text::{LARGEST_TEXT, limited, read_text};
pub use log::{Log, LogFormat};
pub use retention::{MIN_HOURLY_DAYS, Retention};

use crate::domain::workload::Workload;
use crate::domain::workload_file::{self, FileKind, WorkloadError};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The documented defaults, with every key.
pub const DEFAULTS: &str = include_str!("../data/hitrate.toml");

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Upstream address and sources.
    pub upstream: Upstream,
    /// Request rate, timeouts and limits.
    pub fetch: Fetch,
    /// Collection schedule.
    pub schedule: Schedule,
    /// Limits of the database.
    pub store: StoreLimits,
    /// Listen address, public address and limits of the server.
    pub serve: Serve,
    /// The private listener and its receiver.
    pub private: Private,
    /// The user's workload file.
    pub workloads: Workloads,
    /// The user's own traffic.
    pub traffic: Traffic,
    /// The history import from the upstream.
    pub backfill: Backfill,
    /// Who receives notices about changes, and how.
    pub alerts: Alerts,
    /// How long readings are kept.
    pub retention: Retention,
    /// The log.
    pub log: Log,
}

/// Upstream address and sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Base URL of the upstream.
    pub base_url: String,
    /// A file of certificates (PEM) of authorities that are trusted in addition to those of the system; relative to the data
    /// folder, empty: none.
    pub ca_file: String,
    /// Contact in the User-Agent; hitrate logs a warning if it is empty.
    pub contact_url: String,
    /// Whether to read the documented API.
    pub openrouter_api: bool,
    /// Whether to read the undocumented statistics.
    pub openrouter_stats: bool,
    /// Whether to read the statistics' daily series of hit rates, once per UTC day.
    pub hit_rate_comparison: bool,
}

/// Request rate, timeouts and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// Requests per second; 0 means unlimited.
    pub rate_per_second: f64,
    /// Maximum number of requests in flight.
    pub max_connections: usize,
    /// Maximum number of requests per sweep.
    pub requests_per_sweep: u32,
    /// Timeout of a request, seconds.
    pub timeout_seconds: u64,
    /// Maximum size of a response body, MiB.
    pub max_body_mib: usize,
    /// Maximum size of all response bodies of a sweep together, MiB.
    pub max_sweep_mib: usize,
    /// Maximum duration of a sweep, minutes.
    pub max_sweep_minutes: u64,
    /// Maximum number of requests for one document.
    pub max_attempts: u32,
    /// Delay before the second request for a document, milliseconds.
    pub retry_delay_ms: u64,
}

/// When to collect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five-field cron, UTC.
    pub cron: String,
    /// Maximum random delay of a sweep, seconds.
    pub jitter_seconds: u64,
    /// Whether to catch up on a missed sweep.
    pub catch_up: bool,
}

/// Limits of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreLimits {
    /// Memory limit, in DuckDB's notation.
    pub memory: String,
    /// Number of threads.
    pub threads: i64,
    /// Timeout of a query, seconds.
    pub query_timeout_seconds: u64,
}

/// Listen address, public address and limits of the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serve {
    /// Address and port to listen on.
    pub listen: String,
    /// Public URL of the site, without a trailing slash; empty if unknown.
    pub public_url: String,
    /// Requests per minute and client for pages and answers that are not prepared; 0 means unlimited.
    pub requests_per_minute: u32,
    /// Header in which a reverse proxy passes the client's address; empty if there is no proxy.
    pub client_header: String,
}

/// The private listener: pages and JSON of the user's own traffic, and the receiver of OpenTelemetry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Private {
    /// Address and port to listen on; empty if it is off.
    pub listen: String,
    /// Path of the file with the token, relative to the data folder; empty for a generated one.
    pub token_file: String,
    /// Public URL behind a reverse proxy; empty if there is none.
    pub public_url: String,
    /// Maximum size of a request of the receiver after decompression, MiB.
    pub max_body_mib: usize,
    /// Requests per second of the receiver; 0 means unlimited.
    pub requests_per_second: u32,
    /// Maximum number of requests of the receiver that wait for the disk.
    pub queue: usize,
    /// Seconds until received calls are imported.
    pub import_seconds: u64,
    /// Maximum size of the received data that are not imported yet, MiB.
    pub max_spool_mib: u64,
}

/// The user's workload file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workloads {
    /// Path of the file, TOML or JSON by its extension; relative to the data folder. Empty if there is none.
    pub file: String,
}

/// The user's own traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    /// Path of the file with the user's own flat plans, relative to the data folder. Empty if there is none.
    pub plans: String,
}

/// Errors in the settings.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings {path}: {source}")]
    Io { path: PathBuf, source: std::io::Error },
    /// The file is not valid TOML.
    #[error("{path}: line {line}: {detail}")]
    Syntax { path: PathBuf, line: usize, detail: String },
    /// A key is unknown or has the wrong type.
    #[error("{path}: at `{key}`: {detail}; `hitrate config --defaults` prints every setting")]
    Key { path: PathBuf, key: String, detail: String },
    /// A value is out of its range.
    #[error("setting `{key}`: {detail}")]
    Value { key: &'static str, detail: String },
}

impl Config {
    /// The defaults, overridden by a file: the given file, otherwise `hitrate.toml` in the data folder if it exists.
    ///
    /// # Errors
    /// [`ConfigError`] naming file and key.
    pub fn load(named: Option<&Path>, data_dir: &Path) -> Result<Self, ConfigError> {
        let beside = data_dir.join("hitrate.toml");
        match named {
            Some(path) => Self::from_text(path, read_text(path)),
            // A link that leads nowhere is not "no file": with the defaults, the live upstream would be collected.
            None if beside.symlink_metadata().is_ok() => Self::from_text(&beside, read_file_text(&beside)),
            None => Self::parse("", Path::new("hitrate.toml")),
        }
    }

    fn from_text(path: &Path, text: io::Result<String>) -> Result<Self, ConfigError> {
        let text = text.map_err(|source| ConfigError::Io { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads settings from a text; the rest keeps its default.
    ///
    /// # Errors
    /// [`ConfigError`] naming the key.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let table = |text: &str| {
            text.parse::<Table>().map_err(|error| {
                // Without the text of the line, which may hold the address of a receiver.
                let place = error.span().map_or(0, |span| span.start.min(text.len()));
                let line = text.bytes().take(place).filter(|byte| *byte == b'\n').count() + 1;
                ConfigError::Syntax {
                    path: path.to_owned(),
                    line,
                    detail: error.message().replace('\n', " "),
                }
            })
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
        address::server_url("upstream.base_url", &self.upstream.base_url)?;
        address::contact("upstream.contact_url", self.upstream.contact_url.trim())?;
        if !self.upstream.openrouter_api && !self.upstream.openrouter_stats {
            return wrong("upstream", "both sources are off, so there is nothing to collect");
        }
        limits::check(self)?;
        if self.fetch.max_sweep_mib < self.fetch.max_body_mib {
            return wrong("fetch.max_sweep_mib", "expected at least fetch.max_body_mib");
        }
        address::listen("serve.listen", &self.serve.listen)?;
        if !self.private.listen.trim().is_empty() {
            address::listen("private.listen", &self.private.listen)?;
        }
        if !self.serve.public_url.is_empty() {
            address::server_url("serve.public_url", &self.serve.public_url)?;
        }
        let header = &self.serve.client_header;
        if !header.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return wrong("serve.client_header", "expected the name of a header, such as X-Forwarded-For");
        }
        self.backfill.check()?;
        self.alerts.check()?;
        self.retention.check()
    }

    /// The available workloads: the built-in ones and those of the user's file, which is read on every call.
    ///
    /// # Errors
    /// [`WorkloadError`] if the file cannot be read, a value is impossible for a session, or a name is already taken.
    pub fn workloads(&self, data_dir: &Path) -> Result<Vec<Workload>, WorkloadError> {
        let file = self.workloads.file.trim();
        if file.is_empty() {
            return Workload::shipped();
        }
        let path = data_dir.join(file);
        let shown = path.display().to_string();
        let text = read_text(&path).map_err(|source| WorkloadError::Io { path: shown.clone(), source })?;
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

/// Overrides the keys of a table with those of another, recursively.
fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(inner)), Value::Table(over)) => overlay(inner, over),
            // An integer is accepted for a fractional setting.
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
        for wrong in [
            "timeout_seconds = 0",
            "max_body_mib = 0",
            "max_sweep_mib = 31",
            "max_sweep_minutes = 0",
            "max_attempts = 0",
            "retry_delay_ms = 60001",
        ] {
            let error = parse(&format!("[fetch]\n{wrong}\n")).expect_err(wrong).to_string();
            assert!(error.contains(wrong.split(' ').next().unwrap_or_default()), "{error}");
        }
        assert!(parse("[private]\nimport_seconds = 0\n").is_err());
        assert!(parse("[backfill]\nrate_per_second = 5\n").is_err());
        assert!(parse("[backfill]\nrequests_per_hour = 0\n").is_err());
        assert!(parse("[serve]\nclient_header = \"X Forwarded\"\n").is_err());
    }

    #[test]
    fn the_contact_stands_in_the_user_agent() {
        let config = parse("[upstream]\ncontact_url = \"https://example.org/bot\"\n").expect("valid");
        assert!(config.user_agent().ends_with("(+https://example.org/bot)"));
    }
}
