//! Reads a file line by line: a table with a delimiter that is recognised, or JSON lines.

use super::table::{Header, Row};
use super::{Contents, FileError, FileForm, days, series};
use csv::{ReaderBuilder, StringRecord};
use std::io::{BufRead, Read};

/// Longest line, bytes. A longer one is refused.
const LONGEST_LINE: u64 = 1 << 20;
const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// A line, and whether it was cut because it is too long.
struct Line {
    text: Vec<u8>,
    too_long: bool,
}

/// The next line without its end; `None` at the end of the file.
fn next_line(reader: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut text = Vec::new();
    if reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text)? == 0 {
        return Ok(None);
    }
    let too_long = text.len() as u64 == LONGEST_LINE && !text.ends_with(b"\n");
    if too_long {
        reader.skip_until(b'\n')?;
    }
    while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        text.pop();
    }
    Ok(Some(Line { text, too_long }))
}

/// Reads the rows of a file.
pub(super) fn read(
    mut reader: impl BufRead,
    form: Option<FileForm>,
) -> Result<(FileForm, Contents), FileError> {
    let unreadable = |error: std::io::Error| FileError::Unreadable(error.to_string());
    let first = next_line(&mut reader)
        .map_err(unreadable)?
        .ok_or_else(|| FileError::Unreadable("it is empty".into()))?;
    let shown =
        || String::from_utf8_lossy(&first.text).chars().filter(|c| !c.is_control()).take(120).collect();
    let mut contents = Contents::default();
    if form == Some(FileForm::PriceLog) || (form.is_none() && series::is_price_log(&first.text)) {
        series::add_price(&mut contents, 1, &first.text);
        each_line(&mut reader, &mut contents, series::add_price);
        return Ok((FileForm::PriceLog, contents));
    }
    let split = |delimiter: u8| {
        let header = record(&first.text, delimiter)?;
        Some((delimiter, Header::new(&header)))
    };
    let mut headers = DELIMITERS.into_iter().filter_map(split);
    let found = match form {
        None => headers.find_map(|(delimiter, header)| Some((header.form()?, delimiter, header))),
        Some(form @ (FileForm::Archive | FileForm::Recorded)) => {
            return Err(FileError::OtherKind { form, is_folder: false });
        }
        Some(form) => {
            let best = headers.min_by_key(|(_, header)| header.missing(form).len());
            let (delimiter, header) = best.ok_or_else(|| FileError::UnknownForm { found: shown() })?;
            let missing = header.missing(form);
            if !missing.is_empty() {
                return Err(FileError::MissingColumns { form, missing });
            }
            Some((form, delimiter, header))
        }
    };
    let (form, delimiter, header) = found.ok_or_else(|| FileError::UnknownForm { found: shown() })?;
    let columns = record(&first.text, delimiter).map_or(0, |header| header.len());
    each_line(&mut reader, &mut contents, |contents, line, text| {
        if text.is_empty() {
            return;
        }
        let Some(record) = record(text, delimiter) else {
            return contents.refuse(line, "it is not UTF-8 text");
        };
        if record.len() != columns {
            return contents
                .refuse(line, format!("it has {} values, the header has {columns}", record.len()));
        }
        let row = Row { header: &header, record: &record };
        let added = match form {
            FileForm::Days => days::add_day(contents, &row),
            FileForm::Readings => days::add_reading(contents, &row),
            FileForm::EffectivePricing => series::add_summary(contents, &row),
            FileForm::EndpointSnapshots => series::add_snapshot(contents, &row),
            FileForm::ModelActivity => series::add_activity(contents, &row),
            FileForm::Performance => series::add_performance(contents, &row),
            FileForm::PriceLog | FileForm::Archive | FileForm::Recorded => Ok(()),
        };
        if let Err(why) = added {
            contents.refuse(line, why);
        }
    });
    if form == FileForm::Performance {
        series::average_performance(&mut contents);
    }
    Ok((form, contents))
}

/// Calls a function with each further line and its number. What ends a file early is refused like a row.
fn each_line(
    reader: &mut impl BufRead,
    contents: &mut Contents,
    mut add: impl FnMut(&mut Contents, u64, &[u8]),
) {
    for number in 2.. {
        match next_line(reader) {
            Ok(None) => return,
            Ok(Some(line)) if line.too_long => {
                contents.refuse(number, format!("it has more than {LONGEST_LINE} bytes"));
            }
            Ok(Some(line)) => add(contents, number, &line.text),
            Err(error) => return contents.refuse(number, format!("the file ends early: {error}")),
        }
    }
}

/// The values of a line. No form has line breaks within a value: a quoted value ends with its line.
fn record(text: &[u8], delimiter: u8) -> Option<StringRecord> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
    let mut record = StringRecord::new();
    reader.read_record(&mut record).ok().filter(|found| *found).map(|_| record)
}
