//! What one file or a folder of a log contains, in sums: the answer of `hitrate traffic inspect`.

use super::call::{Call, Name, PaidKind, SessionKind, sum};
use super::found::{LogFile, distinct, ids_name_requests};
use super::inclusion::{Decision, flat_half};
use super::sink::Unread;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Token counts in sums; null if no record states the count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TokenSums {
    /// Prompt tokens neither read from nor written to a cache.
    pub uncached: Option<u64>,
    /// Prompt tokens read from the cache.
    pub read: Option<u64>,
    /// Prompt tokens written to the cache.
    pub write: Option<u64>,
    /// Output tokens, including reasoning.
    pub output: Option<u64>,
    /// Reasoning tokens.
    pub reasoning: Option<u64>,
}

/// What a log contains: the contract of `hitrate traffic inspect --json`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Inspection {
    /// Path of the file or folder, as given; null for standard input.
    pub path: Option<String>,
    /// Identifier of the format; of a folder with several, all of them.
    pub format: String,
    /// Answered calls, each counted once.
    pub calls: u64,
    /// Failed calls; null if the format does not state failures.
    pub failures: Option<u64>,
    /// Records that are sums over several calls; null if there is no usage at all.
    pub aggregates: Option<u64>,
    /// Replies from a gateway's own cache; null if there is no usage at all.
    pub replays: Option<u64>,
    /// Records that repeat another one.
    pub duplicates: u64,
    /// Tokens of the answered calls; of a file without calls, those of its sums.
    pub tokens: TokenSums,
    /// All prompt tokens: uncached, read and written.
    pub prompt_tokens: Option<u64>,
    /// Read tokens divided by the prompt tokens of the records that state the tokens read, 0..1.
    pub hit_rate: Option<f64>,
    /// What was paid for calls and failures, USD; of a file without calls, for its sums.
    pub paid_usd: Option<f64>,
    /// What kind of money that is; several kinds are joined by ` + `.
    pub paid_kind: Option<String>,
    /// Sessions that the log names or that are files; null if they could only be guessed.
    pub sessions: Option<u64>,
    /// The rules of the input and output fields, by model.
    pub rule: Vec<Decision>,
    /// Entries that could not be used, by reason.
    pub unread: BTreeMap<String, u64>,
    /// The first lines of each reason; empty for a folder.
    pub unread_lines: BTreeMap<String, Vec<u64>>,
    /// What a reader of the numbers should know, with the number of entries.
    pub notes: BTreeMap<String, u64>,
    /// The files of a folder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Inspection>,
    /// Files of a folder that were not read, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, Vec<String>>,
}

/// The sums of one file.
pub fn inspect(file: &LogFile) -> Inspection {
    let calls: Vec<&Call> = file.found.calls.iter().collect();
    let lines = |unread: &Unread| unread.first.iter().copied().filter(|line| *line > 0).collect();
    let mut notes = file.found.notes.clone();
    if let Some(flat) = flat_half(&file.found.calls) {
        let note = "input and cached tokens are equal: the input field probably includes the cached tokens, and the \
                    hit rate is too low";
        notes.insert(note.to_owned(), flat as u64);
    }
    Inspection {
        path: file.context.path.to_str().filter(|path| !path.is_empty()).map(str::to_owned),
        format: file.format.id.to_owned(),
        duplicates: file.found.duplicates,
        rule: file.decisions.clone(),
        unread: file.found.unread.iter().map(|(why, unread)| (why.clone(), unread.entries)).collect(),
        unread_lines: file.found.unread.iter().map(|(why, unread)| (why.clone(), lines(unread))).collect(),
        notes,
        ..sums(&calls, file.format.states_failures)
    }
}

/// The sums of several files. A call that occurs in several of them is counted once, from the record with the largest
/// output.
pub fn inspect_all(path: Option<String>, files: &[LogFile]) -> Inspection {
    let (kept, repeated) = distinct(files);
    let single: Vec<Inspection> = files.iter().map(inspect).collect();
    let formats: BTreeSet<&str> = single.iter().map(|file| file.format.as_str()).collect();
    let states_failures = files.iter().any(|file| file.format.states_failures);
    let mut all = Inspection {
        path,
        format: formats.into_iter().collect::<Vec<_>>().join(" + "),
        duplicates: repeated + single.iter().map(|file| file.duplicates).sum::<u64>(),
        rule: merged(&single),
        ..sums(&kept, states_failures)
    };
    for file in &single {
        for (why, entries) in &file.unread {
            *all.unread.entry(why.clone()).or_default() += entries;
        }
        for (note, entries) in &file.notes {
            *all.notes.entry(note.clone()).or_default() += entries;
        }
    }
    all.files = single;
    all
}

/// The decisions of several files; equal ones are added.
fn merged(files: &[Inspection]) -> Vec<Decision> {
    let mut merged: Vec<Decision> = Vec::new();
    for decision in files.iter().flat_map(|file| &file.rule) {
        let same = |known: &&mut Decision| {
            (&known.model, known.rule, known.evidence) == (&decision.model, decision.rule, decision.evidence)
        };
        match merged.iter_mut().find(same) {
            Some(known) => {
                known.records += decision.records;
                known.against += decision.against;
            }
            None => merged.push(decision.clone()),
        }
    }
    merged
}

fn sums(calls: &[&Call], states_failures: bool) -> Inspection {
    let answered: Vec<&Call> = calls.iter().copied().filter(|call| call.is_answered()).collect();
    let aggregates: Vec<&Call> = calls.iter().copied().filter(|call| call.aggregated.is_some()).collect();
    let is_single = |call: &&Call| call.aggregated.is_none() && !call.gateway_cache_hit;
    let single: Vec<&Call> = calls.iter().copied().filter(is_single).collect();
    let failed = single.iter().filter(|call| call.status.is_failure()).count() as u64;
    let replays = calls.iter().filter(|call| call.gateway_cache_hit).count() as u64;
    // A file in which only sums were answered has their tokens and money.
    let (counted, charged) = if answered.is_empty() && !aggregates.is_empty() {
        (&aggregates, &aggregates)
    } else {
        (&answered, &single)
    };
    let total = |part: fn(&Call) -> Option<u64>| {
        counted.iter().filter_map(|call| part(call)).reduce(u64::saturating_add)
    };
    let tokens = TokenSums {
        uncached: total(|call| call.tokens().uncached),
        read: total(|call| call.tokens().read),
        write: total(|call| call.tokens().written()),
        output: total(|call| call.tokens().output()),
        reasoning: total(|call| call.tokens().reasoning),
    };
    let prompt_tokens = sum([tokens.uncached, tokens.read, tokens.write]);
    let hit_rate = tokens.read.zip(prompt_tokens).filter(|(_, prompt)| *prompt > 0);
    Inspection {
        calls: answered.len() as u64,
        failures: (failed > 0 || (states_failures && !single.is_empty())).then_some(failed),
        aggregates: (!calls.is_empty()).then_some(aggregates.len() as u64),
        replays: (!calls.is_empty()).then_some(replays),
        tokens,
        prompt_tokens,
        hit_rate: hit_rate.map(|(read, prompt)| read as f64 / prompt as f64),
        paid_usd: charged.iter().filter_map(|call| call.paid).reduce(|sum, paid| sum + paid).map(rounded),
        paid_kind: kinds(charged),
        sessions: sessions(&single),
        ..Inspection::default()
    }
}

/// An amount rounded to twelve decimals: adding leaves errors beyond them.
fn rounded(amount: f64) -> f64 {
    format!("{amount:.12}").parse().unwrap_or(amount)
}

/// The kinds of money that were paid; kinds of which nothing was paid count only if there is no other one.
fn kinds(calls: &[&Call]) -> Option<String> {
    let of = |is_counted: fn(f64) -> bool| -> BTreeSet<PaidKind> {
        calls.iter().filter(|call| call.paid.is_some_and(is_counted)).map(|call| call.paid_kind).collect()
    };
    let paid = of(|amount| amount > 0.0);
    let kinds = if paid.is_empty() { of(|_| true) } else { paid };
    let names: Vec<&str> = kinds.into_iter().map(PaidKind::name).collect();
    (!names.is_empty()).then(|| names.join(" + "))
}

fn sessions(calls: &[&Call]) -> Option<u64> {
    let are_requests = ids_name_requests(calls.iter().copied());
    let is_session = |call: &&&Call| match call.session_kind {
        SessionKind::Given => !are_requests,
        SessionKind::File => true,
        SessionKind::GivenPerRequest | SessionKind::Guessed | SessionKind::None => false,
    };
    let names: HashSet<&Name> =
        calls.iter().filter(is_session).filter_map(|call| call.session.as_ref()).collect();
    (!names.is_empty()).then_some(names.len() as u64)
}

#[cfg(test)]
mod tests;
