//! Reads files of workloads, in the format of `data/workloads.toml` or the equivalent JSON, and checks every value.

use super::workload::Workload;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The shipped workloads, from `data/workloads.toml`.
const SHIPPED: &str = include_str!("../../data/workloads.toml");

/// Maximum number of turns of a session; each is priced individually.
const MOST_TURNS: u32 = 2_000;
/// Maximum number of tokens of a part of a session.
pub const MOST_TOKENS: f64 = 1e9;

/// The format of a file of workloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// `[[workload]]` tables.
    Toml,
    /// `{"workload": [{…}]}`.
    Json,
}

/// An error in a file of workloads.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum WorkloadError {
    /// It is not valid TOML, or a field is missing, unknown or of the wrong type.
    #[error("{path}: {source}")]
    Toml { path: String, source: Box<toml::de::Error> },
    /// The same for JSON.
    #[error("{path}: {source}")]
    Json { path: String, source: serde_json::Error },
    /// A value that is impossible for a session.
    #[error("{path}: workload `{workload}`: `{key}` is {found}, {wanted}")]
    Value { path: String, workload: String, key: &'static str, found: String, wanted: String },
    /// Two workloads with the same name.
    #[error(
        "{path}: duplicate workload `{name}`; names must be unique, also among the workloads that ship with the program"
    )]
    Clash { path: String, name: String },
    /// The file contains no workload.
    #[error("{path}: no workload found; `hitrate workload show` prints one to start from")]
    Empty { path: String },
    /// The file cannot be read.
    #[error("cannot read workload file {path}: {source}")]
    Io { path: String, source: std::io::Error },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    workload: Vec<Workload>,
}

/// Reads a file of workloads; error messages refer to it as `path`.
///
/// # Errors
/// [`WorkloadError`], with line, workload and field if applicable.
pub fn read(text: &str, kind: FileKind, path: &str) -> Result<Vec<Workload>, WorkloadError> {
    let file: File = match kind {
        FileKind::Toml => toml::from_str(text)
            .map_err(|source| WorkloadError::Toml { path: path.to_owned(), source: Box::new(source) })?,
        FileKind::Json => serde_json::from_str(text)
            .map_err(|source| WorkloadError::Json { path: path.to_owned(), source })?,
    };
    if file.workload.is_empty() {
        return Err(WorkloadError::Empty { path: path.to_owned() });
    }
    let mut names = BTreeSet::new();
    for workload in &file.workload {
        check(workload, path)?;
        if !names.insert(workload.name.as_str()) {
            return Err(WorkloadError::Clash { path: path.to_owned(), name: workload.name.clone() });
        }
    }
    Ok(file.workload)
}

impl Workload {
    /// The workloads that ship with the program, in the order of the tabs; the first is the default.
    ///
    /// # Errors
    /// Never for the embedded file, which a test reads.
    pub fn shipped() -> Result<Vec<Self>, WorkloadError> {
        read(SHIPPED, FileKind::Toml, "data/workloads.toml")
    }
}

/// The shipped workloads followed by the user's own.
///
/// # Errors
/// [`WorkloadError::Clash`] if a name is already taken.
pub fn joined(own: Vec<Workload>, path: &str) -> Result<Vec<Workload>, WorkloadError> {
    let mut all = Workload::shipped()?;
    for workload in own {
        if all.iter().any(|known| known.name == workload.name) {
            return Err(WorkloadError::Clash { path: path.to_owned(), name: workload.name });
        }
        all.push(workload);
    }
    Ok(all)
}

/// Checks that every value of a workload is possible for a session.
///
/// # Errors
/// [`WorkloadError::Value`] naming the field.
pub fn check(workload: &Workload, path: &str) -> Result<(), WorkloadError> {
    let wrong = |key, found: String, wanted: String| {
        let (path, workload) = (path.to_owned(), workload.name.clone());
        Err(WorkloadError::Value { path, workload, key, found, wanted })
    };
    let name = &workload.name;
    let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if name.is_empty() || name.len() > 40 || !letters {
        let wanted = "it must be 1 to 40 lower-case letters, digits and hyphens";
        return wrong("name", format!("{:?}", shortened(name)), wanted.to_owned());
    }
    if workload.turns == 0 || workload.turns > MOST_TURNS {
        return wrong("turns", workload.turns.to_string(), format!("it must be 1 to {MOST_TURNS}"));
    }
    let tokens = [
        ("first_prompt", workload.first_prompt),
        ("new_input", workload.new_input),
        ("output", workload.output),
    ];
    for (key, count) in tokens {
        if !(0.0..=MOST_TOKENS).contains(&count) {
            return wrong(key, count.to_string(), format!("it must be 0 to {MOST_TOKENS} tokens"));
        }
    }
    if workload.first_prompt + workload.new_input <= 0.0 {
        let wanted = "one of `first_prompt` and `new_input` must be more than 0: a prompt has tokens";
        return wrong("new_input", "0".to_owned(), wanted.to_owned());
    }
    let shares = [
        ("failures.error", workload.failures.error),
        ("failures.refused", workload.failures.refused),
        ("weights.cache", workload.weights.cache),
        ("weights.cost", workload.weights.cost),
        ("weights.reliability", workload.weights.reliability),
        ("weights.speed", workload.weights.speed),
    ];
    for (key, value) in shares {
        if !(0.0..=100.0).contains(&value) {
            return wrong(key, value.to_string(), "it must be 0 to 100".to_owned());
        }
    }
    Ok(())
}

fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::super::workload::CacheTtl;
    use super::*;

    const ONE: &str = "[[workload]]\nname = \"mine\"\ntitle = \"Mine\"\nabout = \"\"\nturns = 4\nfirst_prompt = 100\n\
        new_input = 10.5\noutput = 20\noutput_cached = true\n";

    fn toml(text: &str) -> Result<Vec<Workload>, WorkloadError> {
        read(text, FileKind::Toml, "own.toml")
    }

    #[test]
    fn weights_and_failures_may_be_left_out() {
        let one = toml(ONE).expect("valid").remove(0);
        assert_eq!((one.failures.error, one.failures.refused, one.new_input), (1.0, 0.0, 10.5));
        assert_eq!(one.cache_ttl, CacheTtl::FiveMinutes);
        let hour = toml(&format!("{ONE}cache_ttl = \"1h\"\n")).expect("valid").remove(0);
        assert_eq!(hour.cache_ttl, CacheTtl::OneHour);
        let json = serde_json::json!({ "workload": [one.clone()] }).to_string();
        assert_eq!(read(&json, FileKind::Json, "own.json").expect("valid"), [one]);
    }

    #[test]
    fn what_is_wrong_is_said_with_file_and_place() {
        let cases = [
            ("turns = 4", "turns = 0", "`turns` is 0"),
            ("turns = 4", "turns = \"x\"", "line 5"),
            ("output = 20", "output = -1", "`output` is -1"),
            ("output = 20", "output = nan", "`output` is NaN"),
            ("name = \"mine\"", "name = \"My own\"", "`name` is \"My own\""),
            ("turns = 4", "turn = 4", "unknown field `turn`"),
            ("turns = 4", "turns = 4\ncache_ttl = \"2h\"", "unknown variant `2h`, expected `5m` or `1h`"),
        ];
        for (from, to, said) in cases {
            let error = toml(&ONE.replace(from, to)).expect_err("refused").to_string();
            assert!(error.starts_with("own.toml: ") && error.contains(said), "{error}");
        }
        assert!(matches!(toml(""), Err(WorkloadError::Empty { .. })));
        assert!(matches!(toml(&ONE.repeat(2)), Err(WorkloadError::Clash { .. })));
        let shipped = toml(&ONE.replace("mine", "chat")).expect("valid alone");
        assert!(matches!(joined(shipped, "own.toml"), Err(WorkloadError::Clash { .. })));
        assert_eq!(joined(toml(ONE).expect("valid"), "own.toml").expect("joined").len(), 5);
    }
}
