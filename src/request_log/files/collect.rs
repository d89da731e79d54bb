//! Passes the entries of a file on to its reader. The first entries are kept until they decide the format.

use crate::request_log::entry::{Entry, FileContext, Layout};
use crate::request_log::format::{ENTRIES_TO_RECOGNISE, Format, Reader, Sure, recognise};
use crate::request_log::sink::{Found, Sink};
use serde_json::{Map, Value};
use std::io;

/// The first entries may take this many bytes in the file.
const MOST_BYTES_TO_RECOGNISE: usize = 32 << 20;

/// Why reading ends before the end of a file.
#[derive(Debug)]
pub(super) enum Stop {
    /// The source failed.
    Io(io::Error),
    /// No reader recognises the file.
    Unknown,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct First {
    value: Value,
    line: u64,
    table: Option<String>,
}

/// The entries of one file on their way to its reader.
pub(super) struct Collector {
    context: FileContext,
    wanted: Option<&'static Format>,
    first: Vec<First>,
    first_bytes: usize,
    header: Option<Value>,
    reading: Option<(&'static Format, Box<dyn Reader>)>,
    sink: Sink,
    entries: u64,
    unread: Option<(String, u64)>,
}

impl Collector {
    pub fn new(context: FileContext, wanted: Option<&'static Format>) -> Self {
        Self {
            context,
            wanted,
            first: Vec::new(),
            first_bytes: 0,
            header: None,
            reading: None,
            sink: Sink::default(),
            entries: 0,
            unread: None,
        }
    }

    /// Sets the layout, as long as no reader was made for another one.
    pub fn layout(&mut self, layout: Layout) {
        if self.reading.is_none() {
            self.context.layout = layout;
        }
    }

    /// Whether there was an entry.
    pub fn has_entries(&self) -> bool {
        self.entries > 0
    }

    /// The columns of a table that may have no rows.
    pub fn header(&mut self, columns: &[String]) {
        let empty: Map<String, Value> =
            columns.iter().map(|name| (name.clone(), Value::String(String::new()))).collect();
        self.header = Some(Value::Object(empty));
    }

    /// Takes an entry that took `bytes` in the file.
    pub fn take(&mut self, value: Value, line: u64, table: Option<&str>, bytes: usize) -> Result<(), Stop> {
        self.entries += 1;
        if let Some((_, reader)) = &mut self.reading {
            reader.read(&Entry { value: &value, line, table }, &mut self.sink);
            return Ok(());
        }
        self.first.push(First { value, line, table: table.map(str::to_owned) });
        self.first_bytes += bytes;
        if self.first.len() >= ENTRIES_TO_RECOGNISE || self.first_bytes > MOST_BYTES_TO_RECOGNISE {
            self.start()?;
        }
        Ok(())
    }

    /// Counts a part of the file that is no entry. Line 0 stands for the end of the file.
    pub fn unread(&mut self, reason: &str, line: u64) {
        self.unread.get_or_insert_with(|| (reason.to_owned(), line));
        self.sink.unread(reason, line);
    }

    /// Notes something about the file.
    pub fn note(&mut self, note: &str) {
        self.sink.note(note);
    }

    /// Decides the format from other entries than the first ones.
    pub fn choose(&mut self, entries: &[Entry<'_>]) -> Option<&'static Format> {
        self.wanted = self.wanted.or_else(|| recognise(entries, &self.context));
        self.wanted
    }

    /// Whether a format knows an entry.
    pub fn knows(&self, format: &Format, entry: &Entry<'_>) -> bool {
        (format.recognises)(entry, &self.context) != Sure::No
    }

    /// Decides the format and reads the first entries.
    pub fn start(&mut self) -> Result<(), Stop> {
        if self.reading.is_some() {
            return Ok(());
        }
        let format = match self.wanted {
            Some(format) => format,
            None => {
                let header = self.header.as_ref().filter(|_| self.first.is_empty());
                let header = header.map(|value| Entry { value, line: 1, table: None });
                let entries: Vec<Entry<'_>> = self.first.iter().map(First::entry).chain(header).collect();
                recognise(&entries, &self.context).ok_or(Stop::Unknown)?
            }
        };
        let mut reader = (format.reader)(&self.context);
        for one in std::mem::take(&mut self.first) {
            reader.read(&one.entry(), &mut self.sink);
        }
        self.reading = Some((format, reader));
        Ok(())
    }

    /// What was found, or what was looked at if no reader recognises it.
    pub fn done(mut self) -> Result<(FileContext, &'static Format, Found), String> {
        if self.start().is_err() {
            return Err(self.looked());
        }
        let looked = self.looked();
        let Some((format, mut reader)) = self.reading else { return Err(looked) };
        reader.finish(&mut self.sink);
        Ok((self.context, format, self.sink.done()))
    }

    /// What was looked at to recognise the file.
    pub fn looked(&self) -> String {
        let layout = match self.context.layout {
            Layout::Lines => "lines of JSON",
            Layout::Array => "elements of a JSON array",
            Layout::Document => "JSON objects",
            Layout::Csv => "rows of CSV",
            Layout::Sqlite => "rows of an SQLite database",
            Layout::EventStream => "events of an event stream",
        };
        let first = match &self.unread {
            Some((reason, 0)) => format!("; {reason}"),
            Some((reason, line)) => format!("; line {line}: {reason}"),
            None => String::new(),
        };
        format!("looked at {} {layout}{first}", self.entries)
    }
}

impl First {
    fn entry(&self) -> Entry<'_> {
        Entry { value: &self.value, line: self.line, table: self.table.as_deref() }
    }
}
