//! Converts the upstream's JSON to the project's own types, row by row. A bad row is quarantined with its JSON path and
//! an unknown field is counted; neither loses the rest of the body. A bad field does not lose the rest of its row,
//! unless the field is essential.

mod activity;
mod comparison;
mod endpoints;
mod lists;
mod mend;
mod prices;
mod row;
mod usage;

pub use self::endpoints::{FACT_FIELDS, StatsEndpoint};
use self::row::{Fault, Row};
pub use self::usage::{Summary, UsageBody};
use super::{Content, DocumentKind, drift, shape, wire};
use crate::domain::bounds;
use crate::domain::document::Pair;
use crate::domain::reading::{DriftPath, QuarantineReason, Quarantined};
use crate::upstream::Outcome;
use chrono::NaiveDate;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A decoded document.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    /// The content; `None` if there is none (404, `data: null`, empty lists) or if it could not be read.
    pub content: Option<Content>,
    /// Values that could not be read, with their JSON paths.
    pub quarantined: Vec<Quarantined>,
    /// Fields that are unknown to the wire types.
    pub drift: BTreeMap<DriftPath, usize>,
    /// Whether the response as a whole is unusable (undecodable, as opposed to empty).
    pub failed: bool,
    /// Whether the upstream has no such route (404), as opposed to an empty response.
    pub missing: bool,
}

impl Decoded {
    /// The result for a document that cannot be read: unanswered, and quarantined by name.
    pub(super) fn undecodable(outcome: &Outcome<'_>, detail: String) -> Self {
        let Outcome { request, sha256, .. } = *outcome;
        let (reason, pair) = (QuarantineReason::Undecodable, request.pair.as_ref());
        let row = Quarantined::new(reason, request.kind.clone(), pair, "$", detail, sha256);
        Self { quarantined: vec![row], failed: true, ..Self::default() }
    }
}

/// Maximum number of quarantined fields of one reason that a document lists one by one; the others become one row with
/// their number.
const NAMED_FAULTS: usize = 100;

/// Collects the findings while one document is decoded.
struct Reader<'a> {
    kind: DocumentKind,
    pair: Option<&'a Pair>,
    sha256: &'a str,
    quarantined: Vec<Quarantined>,
    /// Number of refused fields by reason.
    faults: BTreeMap<QuarantineReason, usize>,
    drift: BTreeMap<DriftPath, usize>,
}

/// Decodes a document; `None` if there was no complete response. 404 and `data: null` mean "no data". Any other status
/// than 200 is unexpected here and is reported, and so is a body of 0 bytes: the upstream answers with empty lists.
pub fn decode(outcome: &Outcome<'_>) -> Option<Decoded> {
    let Outcome { request, sha256, body, .. } = *outcome;
    let status = outcome.answered()?;
    let Some(kind) = DocumentKind::of(request) else {
        return Some(Decoded::undecodable(outcome, format!("unknown kind `{}`", request.kind)));
    };
    let mut reader = Reader {
        kind,
        pair: request.pair.as_ref(),
        sha256,
        quarantined: Vec::new(),
        faults: BTreeMap::new(),
        drift: BTreeMap::new(),
    };
    let answer = match status {
        404 => Ok(None),
        200 if body.trim_ascii().is_empty() => Err(("$".to_owned(), "the body is empty".to_owned())),
        200 => reader.content(body),
        status => Err(("$".to_owned(), format!("HTTP status {status}"))),
    };
    let (failed, missing) = (answer.is_err(), status == 404);
    let content = answer.unwrap_or_else(|(path, detail)| {
        reader.put_aside(QuarantineReason::Undecodable, &path, detail);
        None
    });
    reader.report_uncounted();
    Some(Decoded { content, quarantined: reader.quarantined, drift: reader.drift, failed, missing })
}

type Found<T> = Result<T, (String, String)>;

/// The path of an unreadable value and the reason.
struct Unreadable {
    path: serde_path_to_error::Path,
    detail: String,
}

impl Reader<'_> {
    fn content(&mut self, body: &[u8]) -> Found<Option<Content>> {
        if nothing_in(body) {
            return Ok(None);
        }
        if let Some(detail) = shape::refusal(body) {
            return Err(("$".to_owned(), detail));
        }
        match self.kind {
            DocumentKind::Models => self.models(body),
            DocumentKind::Providers | DocumentKind::AllProviders => self.providers(body),
            DocumentKind::PublicEndpoints => self.public_endpoints(body),
            DocumentKind::StatsEndpoint => self.stats_endpoints(body),
            DocumentKind::EffectivePricing => self.usage(body),
            DocumentKind::ModelActivity => self.activity(body),
            DocumentKind::HitRateComparison => self.comparison(body),
        }
    }

    /// Reads a value at `row`. An unreadable field becomes null if its type allows that, and is recorded.
    fn read<T: DeserializeOwned>(&mut self, json: &[u8], row: &mut Row) -> Found<T> {
        self.parse(json).or_else(|first| self.mend(json, first, row))
    }

    /// Reads a value that contains unreadable fields.
    fn mend<T: DeserializeOwned>(&mut self, json: &[u8], first: Unreadable, row: &mut Row) -> Found<T> {
        let mut found: Vec<(String, String)> = Vec::new();
        let (mut text, mut bad) = (json.to_vec(), first);
        loop {
            let at = bad.path.to_string();
            let mended = (found.len() < mend::MOST_FIELDS).then(|| mend::without(&text, &bad.path)).flatten();
            let Some(mended) = mended else {
                // Null did not help: the first error names the value.
                let before = found.into_iter().find(|(path, _)| *path == at).map(|(_, detail)| detail);
                let path = join_path(&row.path, &at);
                // The path of a missing field ends at the object that lacks it.
                let path = join_path(&path, missing_field(&bad.detail).unwrap_or_default());
                return Err((path, before.unwrap_or(bad.detail)));
            };
            found.push((at, bad.detail));
            text = mended;
            match self.parse(&text) {
                Ok(value) => {
                    found
                        .into_iter()
                        .for_each(|(path, why)| row.fault(QuarantineReason::UnreadableField, &path, why));
                    return Ok(value);
                }
                Err(next) => bad = next,
            }
        }
    }

    /// Reads a value and counts unknown fields.
    fn parse<T: DeserializeOwned>(&mut self, json: &[u8]) -> Result<T, Unreadable> {
        let mut unknown = Vec::new();
        let mut track = serde_path_to_error::Track::new();
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
        let read = serde_ignored::deserialize(tracked, |path| unknown.push(pattern(&path)));
        let value = match read {
            Ok(value) => value,
            Err(error) => {
                let detail = serde_json::Error::to_string(&error);
                return Err(Unreadable { path: track.path(), detail });
            }
        };
        for path in unknown {
            let bare = path.strip_prefix("data.").unwrap_or(&path);
            if !drift::known(self.kind, bare) {
                let found = DriftPath { kind: self.kind.as_str().into(), path: bare.to_owned() };
                *self.drift.entry(found).or_default() += 1;
            }
        }
        Ok(value)
    }

    /// Reads the envelope around the rows of a document.
    fn envelope<T: DeserializeOwned>(&mut self, body: &[u8]) -> Found<T> {
        let mut row = Row::at("$".to_owned());
        let read = self.read(body, &mut row);
        self.take_faults(row);
        read
    }

    /// Reads `{"data": [...]}` row by row.
    fn rows<W: DeserializeOwned, T>(
        &mut self,
        body: &[u8],
        convert: impl Fn(W, &mut Row) -> Result<Option<T>, (&'static str, String)>,
    ) -> Found<Vec<T>> {
        let rows: wire::Rows = self.envelope(body)?;
        Ok(self.each(&rows.data, "$.data", convert))
    }

    /// Converts rows one by one. Unreadable or unusable rows are quarantined, and so are refused fields that are not
    /// essential.
    fn each<W: DeserializeOwned, T>(
        &mut self,
        rows: &[Box<RawValue>],
        prefix: &str,
        convert: impl Fn(W, &mut Row) -> Result<Option<T>, (&'static str, String)>,
    ) -> Vec<T> {
        let mut good = Vec::with_capacity(rows.len());
        for (position, json) in rows.iter().enumerate() {
            let mut row = Row::at(format!("{prefix}[{position}]"));
            match self.read::<W>(json.get().as_bytes(), &mut row) {
                Err((path, detail)) => self.put_aside(QuarantineReason::Undecodable, &path, detail),
                Ok(wire) => match convert(wire, &mut row) {
                    Ok(Some(value)) => good.push(value),
                    Ok(None) => {}
                    Err((field, detail)) => {
                        self.put_aside(QuarantineReason::Undecodable, &join_path(&row.path, field), detail);
                    }
                },
            }
            self.take_faults(row);
        }
        good
    }

    /// Quarantines the refused fields of a row, up to a maximum per reason.
    fn take_faults(&mut self, row: Row) {
        for Fault { reason, path, detail } in row.faults {
            let count = self.faults.entry(reason).or_default();
            *count += 1;
            if *count <= NAMED_FAULTS {
                self.put_aside(reason, &path, detail);
                if let (Some(pair), Some(last)) = (&row.pair, self.quarantined.last_mut()) {
                    (last.model, last.variant) = (Some(pair.model.clone()), Some(pair.variant.clone()));
                }
            }
        }
    }

    /// Reports the number of refused fields that were not listed.
    fn report_uncounted(&mut self) {
        for (reason, count) in std::mem::take(&mut self.faults) {
            if count > NAMED_FAULTS {
                self.put_aside(reason, "$", format!("and {} more fields", count - NAMED_FAULTS));
            }
        }
    }

    fn put_aside(&mut self, reason: QuarantineReason, path: &str, detail: String) {
        let detail = detail.chars().take(300).collect();
        self.quarantined.push(Quarantined::new(reason, self.kind, self.pair, path, detail, self.sha256));
    }

    fn pair(&self) -> Found<Pair> {
        self.pair
            .cloned()
            .ok_or_else(|| ("$".into(), "the archive does not name the model of this document".into()))
    }
}

/// Whether the `data` of a body is null.
fn nothing_in(body: &[u8]) -> bool {
    body.len() < 40 && body.iter().filter(|b| !b.is_ascii_whitespace()).eq(b"{\"data\":null}")
}

/// The name in the error of serde for a missing field.
fn missing_field(detail: &str) -> Option<&str> {
    detail.strip_prefix("missing field `")?.split_once('`').map(|(name, _)| name)
}

/// The path of an ignored field, with `*` for list positions.
fn pattern(path: &serde_ignored::Path<'_>) -> String {
    path.to_string()
        .split('.')
        .filter(|part| *part != "?")
        .map(|part| if part.bytes().all(|b| b.is_ascii_digit()) { "*" } else { part })
        .collect::<Vec<_>>()
        .join(".")
}

fn join_path(prefix: &str, path: &str) -> String {
    match path {
        "." | "" => prefix.to_owned(),
        path if path.starts_with('[') => format!("{prefix}{path}"),
        path => format!("{prefix}.{path}"),
    }
}

/// The UTC day at the beginning of a text.
fn day(field: &'static str, text: &str) -> Result<NaiveDate, (&'static str, String)> {
    let day: Option<NaiveDate> = text.get(..10).and_then(|day| day.parse().ok());
    day.filter(|day| bounds::is_plausible_day(*day))
        .ok_or_else(|| (field, format!("`{}` is not a day from 2015 to 2099", clip(text))))
}

fn clip(text: &str) -> String {
    text.chars().take(60).collect()
}
