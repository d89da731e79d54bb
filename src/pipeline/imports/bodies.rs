//! Folders of bodies: read by the code that reads a sweep, and made imported rows of.

use super::super::record::outcome;
use super::ImportError;
use crate::archive::{Archive, ArchiveError};
use crate::domain::imported::{
    ImportedActivity, ImportedDay, ImportedEndpoint, ImportedPrices, ImportedReading, ImportedUptime,
};
use crate::domain::reading::{Known, Reading, RunReadings};
use crate::domain::units::{HitRate, UsdPerMtok};
use crate::domain::window::{Basis, WindowKind, end_of_day, midnight};
use crate::imports::{Contents, FileError, FileForm};
use crate::upstream::{Outcome, Upstream};
use chrono::{DateTime, Duration, Utc};
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest recorded file after decompression, bytes.
const LARGEST: u64 = 1 << 30;
const RECORDED_FILES: [&str; 4] =
    ["manifest.json", "models.json.gz", "providers.json.gz", "model_stats.jsonl.gz"];

#[derive(Deserialize)]
struct RecordedManifest {
    started_at: DateTime<Utc>,
}

/// The files of a folder, with all folders in it, sorted.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, ImportError> {
    let failed = |source| ImportError::Io { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // Links are not followed: they may lead in a circle.
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            found.extend(files(&entry.path())?);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The folder of the bodies: of a data folder only its archive, because the rest (own traffic, tokens) is neither read nor
/// copied.
pub(super) fn root(folder: &Path) -> Result<PathBuf, ImportError> {
    let archive = folder.join("archive");
    let is_archive =
        archive.is_dir() && form(&archive, &files(&archive)?).is_ok_and(|form| form == FileForm::Archive);
    Ok(if is_archive { archive } else { folder.to_owned() })
}

/// The form of a folder by the files in it.
pub(super) fn form(folder: &Path, files: &[PathBuf]) -> Result<FileForm, ImportError> {
    let named = |ending: &str| files.iter().any(|path| path.to_string_lossy().ends_with(ending));
    if named(".manifest.zst") {
        Ok(FileForm::Archive)
    } else if RECORDED_FILES.into_iter().all(named) {
        Ok(FileForm::Recorded)
    } else {
        let found = "no manifest of archived or recorded bodies".to_owned();
        Err(ImportError::Content { path: folder.to_owned(), source: FileError::UnknownForm { found } })
    }
}

/// Reads a folder of bodies. What cannot be read is refused with its file; the rest is used.
pub(super) fn read(
    upstream: &dyn Upstream,
    folder: &Path,
    files: &[PathBuf],
    form: FileForm,
) -> Result<Contents, ImportError> {
    let mut contents = Contents::default();
    match form {
        FileForm::Archive => read_archive(upstream, folder, &mut contents)?,
        FileForm::Recorded => read_recorded(upstream, files, &mut contents),
        form => {
            let source = FileError::OtherKind { form, is_folder: true };
            return Err(ImportError::Content { path: folder.to_owned(), source });
        }
    }
    contents.keep_last_readings();
    contents.keep_last_days();
    Ok(contents)
}

fn read_archive(upstream: &dyn Upstream, folder: &Path, contents: &mut Contents) -> Result<(), ImportError> {
    let archive = Archive::open(folder.to_owned());
    let listed = |error: ArchiveError| ImportError::Io {
        path: folder.to_owned(),
        source: std::io::Error::other(error.to_string()),
    };
    let mut known = Known::default();
    for path in archive.manifests().map_err(listed)? {
        let manifest = Archive::read_manifest(&path).and_then(|one| Ok((archive.bodies(&one)?, one)));
        let (bodies, manifest) = match manifest {
            Ok(read) => read,
            Err(error) => {
                contents.refused.push((path.display().to_string(), error.to_string()));
                continue;
            }
        };
        let outcomes: Vec<Outcome<'_>> = manifest
            .entries
            .iter()
            .zip(&bodies)
            .map(|(entry, body)| outcome(entry, body.as_deref()))
            .collect();
        let run = upstream.read(&outcomes, manifest.header.observed_at, &known);
        known = Known::of(&run);
        add(contents, &run);
    }
    Ok(())
}

fn read_recorded(upstream: &dyn Upstream, files: &[PathBuf], contents: &mut Contents) {
    let mut known = Known::default();
    for manifest in files.iter().filter(|path| path.ends_with("manifest.json")) {
        match read_sweep(upstream, manifest, &known, contents) {
            Ok(run) => {
                known = Known::of(&run);
                add(contents, &run);
            }
            Err(why) => contents.refused.push((manifest.display().to_string(), why)),
        }
    }
}

fn read_sweep(
    upstream: &dyn Upstream,
    manifest: &Path,
    known: &Known,
    contents: &mut Contents,
) -> Result<RunReadings, String> {
    let text = std::fs::read(manifest).map_err(|error| error.to_string())?;
    let RecordedManifest { started_at } = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    let unpacked = |name: &str| {
        let path = manifest.with_file_name(name);
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(|error| format!("{name}: {error}"))?;
        let read = flate2::read::MultiGzDecoder::new(file).take(LARGEST).read_to_end(&mut bytes);
        read.map_err(|error| format!("{name}: {error}"))?;
        Ok::<_, String>(bytes)
    };
    let lines = unpacked("model_stats.jsonl.gz")?;
    let (documents, unread) =
        upstream.recorded(&unpacked("models.json.gz")?, &unpacked("providers.json.gz")?, &lines);
    let place = manifest.with_file_name("model_stats.jsonl.gz").display().to_string();
    let refused =
        unread.into_iter().map(|line| (format!("{place} line {line}"), "it has another shape".into()));
    contents.refused.extend(refused);
    let outcomes: Vec<Outcome<'_>> = documents
        .iter()
        .map(|(request, body)| Outcome {
            request,
            status: Some(200),
            error: None,
            fetched_at: started_at,
            sha256: "",
            body,
        })
        .collect();
    Ok(upstream.read(&outcomes, started_at, known))
}

/// Adds the readings of a run: list prices, the day so far (if the summaries cover it), the half hour's uptime, closing
/// values of past days, and the activity of days that were over.
fn add(contents: &mut Contents, run: &RunReadings) {
    for reading in &run.readings {
        add_reading(contents, run, reading);
    }
    let endpoints = run.readings.iter().filter_map(|reading| Some((reading.facts.endpoint_id?, reading)));
    let by_id: std::collections::HashMap<_, _> = endpoints.collect();
    for rate in &run.closing_rates {
        if let Some(reading) = by_id.get(&rate.endpoint_id) {
            let hit_rate = Some(rate.hit_rate.get());
            let day = empty_day(endpoint(reading), rate.day);
            contents.days.push(ImportedDay { hit_rate, basis: Some(Basis::Comparison), ..day });
        }
    }
    let is_over = |day| midnight(day) + Duration::days(1) <= run.observed_at;
    let over = run.activity.iter().filter(|activity| is_over(activity.day));
    contents.activity.extend(over.map(|activity| ImportedActivity {
        model: activity.model.clone(),
        variant: activity.variant.clone(),
        day: activity.day,
        prompt_tokens: activity.prompt_tokens,
        completion_tokens: activity.completion_tokens,
        cached_tokens: activity.cached_tokens,
        requests: activity.requests,
    }));
}

fn endpoint(reading: &Reading) -> ImportedEndpoint {
    let facts = &reading.facts;
    ImportedEndpoint {
        model: facts.model.clone(),
        variant: facts.variant.clone(),
        endpoint_id: facts.endpoint_id,
        provider: Some(facts.provider.clone()),
        provider_name: Some(facts.provider_name.clone()),
        tag: Some(facts.tag.clone()),
    }
}

fn empty_day(endpoint: ImportedEndpoint, day: chrono::NaiveDate) -> ImportedDay {
    ImportedDay {
        endpoint,
        day,
        hit_rate: None,
        basis: None,
        tokens: None,
        effective_input: None,
        effective_output: None,
        uptime: None,
        throughput: None,
        latency_ms: None,
    }
}

fn add_reading(contents: &mut Contents, run: &RunReadings, reading: &Reading) {
    let named = endpoint(reading);
    let prices = &reading.prices;
    let price = |price: Option<UsdPerMtok>| price.map(UsdPerMtok::to_f64);
    contents.add_prices(ImportedPrices {
        endpoint: named.clone(),
        at: run.observed_at,
        input: price(prices.input),
        output: price(prices.output),
        cache_read: price(prices.cache_read),
        cache_write: price(prices.cache_write),
        discount: prices.discount,
    });
    if let Some(uptime) = reading.health.uptime_30m {
        let hour = run.observed_at - Duration::minutes(30);
        contents.parts.half_hours.push(ImportedUptime { endpoint: named.clone(), hour, uptime });
    }
    for (day, (input, output)) in &reading.closing_prices {
        // A batch endpoint has days without prices.
        if input.or(*output).is_none() {
            continue;
        }
        let whole = empty_day(named.clone(), *day);
        contents.days.push(ImportedDay { effective_input: *input, effective_output: *output, ..whole });
    }
    let usage = reading.usage.as_ref().filter(|_| run.window_kind == WindowKind::DayToDate);
    let Some(usage) = usage.filter(|usage| !usage.is_empty()) else { return };
    let read_at = usage.read_at.unwrap_or(run.observed_at);
    let day = usage.day.unwrap_or_else(|| run.observed_at.date_naive());
    let hit_rate = usage.hit_rate.map(HitRate::get);
    let values = ImportedDay {
        hit_rate,
        basis: hit_rate.map(|_| Basis::Observed),
        tokens: usage.tokens,
        effective_input: usage.effective_input,
        effective_output: usage.effective_output,
        uptime: reading.health.uptime_1d,
        ..empty_day(named, day)
    };
    contents.add_reading(ImportedReading { at: read_at.min(end_of_day(day)), values });
}
