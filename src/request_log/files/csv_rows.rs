//! CSV with a header: each row is an object of strings.

use super::collect::{Collector, Stop};
use super::lines::{LONGEST_ENTRY, TOO_LONG};
use csv::{ByteRecord, ErrorKind, ReaderBuilder};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

/// Reads the rows of a source.
pub(super) fn read(source: impl Read, delimiter: u8, out: &mut Collector) -> Result<(), Stop> {
    let since_row = Rc::new(Cell::new(0));
    let source = Limited { source, since_row: Rc::clone(&since_row) };
    let mut rows = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(source);
    let columns: Vec<String> = match rows.byte_headers() {
        Ok(header) => header.iter().map(column).collect(),
        Err(error) => return failed(error, 1, out),
    };
    out.header(&columns);
    let mut row = ByteRecord::new();
    loop {
        let line = rows.position().line();
        match rows.read_byte_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => return failed(error, line, out),
        }
        since_row.set(0);
        let line = row.position().map_or(line, csv::Position::line);
        if row.len() != columns.len() {
            out.unread(&format!("a row that does not have the {} fields of the header", columns.len()), line);
            continue;
        }
        let texts: Option<Vec<&str>> = row.iter().map(|field| std::str::from_utf8(field).ok()).collect();
        let Some(texts) = texts else {
            out.unread("not valid UTF-8", line);
            continue;
        };
        if texts.iter().any(|text| text.contains('\0')) {
            out.unread("contains NUL bytes", line);
            continue;
        }
        let length = row.as_slice().len();
        let object: Map<String, Value> = columns
            .iter()
            .zip(texts)
            .map(|(column, text)| (column.clone(), Value::String(text.to_owned())))
            .collect();
        out.take(Value::Object(object), line, None, length)?;
    }
}

/// The name of a column, without a byte order mark and surrounding space.
fn column(name: &[u8]) -> String {
    String::from_utf8_lossy(name).trim_start_matches('\u{feff}').trim().to_owned()
}

fn failed(error: csv::Error, line: u64, out: &mut Collector) -> Result<(), Stop> {
    match error.into_kind() {
        ErrorKind::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<TooLong>()) => {
            out.unread(TOO_LONG, line);
            Ok(())
        }
        ErrorKind::Io(error) => Err(Stop::Io(error)),
        _ => {
            out.unread("not valid CSV", line);
            Ok(())
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a row is too long")]
struct TooLong;

/// Ends a row that does not end, for example after a quotation mark that is never closed.
struct Limited<R> {
    source: R,
    since_row: Rc<Cell<usize>>,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_row.get() > LONGEST_ENTRY {
            return Err(io::Error::other(TooLong));
        }
        let read = self.source.read(buffer)?;
        self.since_row.set(self.since_row.get() + read);
        Ok(read)
    }
}
