//! The formats of logs, each with its reader, how its files are recognised and what it can state.

use super::call::Rule;
use super::entry::{Entry, FileContext};
use super::readers;
use super::sink::Sink;

/// Reads the entries of one file.
pub trait Reader {
    /// Reads one entry: adds its calls to the sink, or the reason why it has none.
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink);

    /// Called after the last entry.
    fn finish(&mut self, sink: &mut Sink) {
        let _ = sink;
    }
}

/// How sure a reader is that an entry is of its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sure {
    /// It is of another format.
    No,
    /// It has a usage that many formats share; any other reader is preferred.
    Fallback,
    /// It fits this format, and other formats are possible.
    Likely,
    /// It has fields that only this format has.
    Certain,
}

/// A format of logs.
pub struct Format {
    /// Identifier, as in `--format`: letters, digits and hyphens.
    pub id: &'static str,
    /// Name for people, with its maker's name.
    pub title: &'static str,
    /// The rule of the format, used if no record proves another one.
    pub rule: Rule,
    /// What the total of a record proves.
    pub total: Total,
    /// Whether a log of this format states failures; otherwise they are "not recorded", never 0.
    pub states_failures: bool,
    /// How sure the reader is that an entry is of this format. Called for the first entries of a file.
    pub recognises: fn(&Entry<'_>, &FileContext) -> Sure,
    /// Makes a reader for a file.
    pub reader: fn(&FileContext) -> Box<dyn Reader>,
}

/// What the total of a record proves about its input and output fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// There is no total.
    None,
    /// It is the sum of the disjoint counts, whatever the fields include, so it decides the rule.
    OfDisjoint,
    /// It is the sum of the input and output fields, whatever they include, so it decides nothing.
    OfFields,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.id)
    }
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// All formats. The order decides only between readers that are equally sure.
pub fn formats() -> impl Iterator<Item = &'static Format> {
    readers::FORMATS.iter().flat_map(|formats| formats.iter().copied())
}

/// The format with an identifier.
pub fn format(id: &str) -> Option<&'static Format> {
    formats().find(|format| format.id == id)
}

/// Number of entries at the start of a file that decide its format.
pub const ENTRIES_TO_RECOGNISE: usize = 200;

/// The format of a file, from its first entries: each entry votes for the reader that is surest of it.
pub fn recognise(entries: &[Entry<'_>], context: &FileContext) -> Option<&'static Format> {
    let mut best: Option<(Sure, usize, &'static Format)> = None;
    for format in formats() {
        let votes: Vec<Sure> = entries.iter().map(|entry| (format.recognises)(entry, context)).collect();
        let surest = votes.iter().copied().max().unwrap_or(Sure::No);
        if surest == Sure::No {
            continue;
        }
        let count = votes.iter().filter(|vote| **vote == surest).count();
        if best.is_none_or(|(sure, most, _)| (surest, count) > (sure, most)) {
            best = Some((surest, count, format));
        }
    }
    best.map(|(_, _, format)| format)
}
