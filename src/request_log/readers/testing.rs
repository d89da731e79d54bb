//! Helps the tests of the readers: reads made-up entries as a file of one format.

use crate::request_log::entry::{Entry, FileContext, Layout};
use crate::request_log::format::{Format, Sure, recognise};
use crate::request_log::inclusion::decide;
use crate::request_log::sink::{Found, Sink};
use serde_json::Value;

/// Reads entries as lines.
pub fn read(format: &'static Format, values: &[Value]) -> Found {
    read_as(format, Layout::Lines, values)
}

/// Reads entries of a layout, and applies the rules.
pub fn read_as(format: &'static Format, layout: Layout, values: &[Value]) -> Found {
    let context = FileContext { layout, ..FileContext::default() };
    let mut reader = (format.reader)(&context);
    let mut sink = Sink::default();
    for entry in entries(values, None) {
        reader.read(&entry, &mut sink);
    }
    reader.finish(&mut sink);
    let mut found = sink.done();
    decide(&mut found.calls, format);
    found
}

/// Reads rows of an SQLite table.
pub fn read_table(format: &'static Format, table: &str, values: &[Value]) -> Found {
    let context = FileContext { layout: Layout::Sqlite, ..FileContext::default() };
    let mut reader = (format.reader)(&context);
    let mut sink = Sink::default();
    for entry in entries(values, Some(table)) {
        reader.read(&entry, &mut sink);
    }
    reader.finish(&mut sink);
    sink.done()
}

/// The id of the format that is recognised, and how sure this format is of the first entry.
pub fn recognised(format: &'static Format, values: &[Value]) -> (Option<&'static str>, Sure) {
    let context = FileContext::default();
    let entries = entries(values, None);
    let sure = entries.first().map_or(Sure::No, |entry| (format.recognises)(entry, &context));
    (recognise(&entries, &context).map(|format| format.id), sure)
}

fn entries<'a>(values: &'a [Value], table: Option<&'a str>) -> Vec<Entry<'a>> {
    values.iter().zip(1..).map(|(value, line)| Entry { value, line, table }).collect()
}
