//! JSON in every arrangement: one value per line, one array whose elements are read one by one, one or several objects
//! over many lines.

use super::collect::{Collector, Stop};
use super::lines::{CUT_OFF, LONGEST_ENTRY, Line, Lines, NOT_JSON, TOO_LONG};
use super::pieces;
use super::scanner::{Scanner, Step};
use crate::request_log::entry::Layout;
use serde_json::{Deserializer, Value};
use std::io::BufRead;

/// The reason for a value with more levels than the parser takes.
const TOO_DEEP: &str = "nested too deeply";

/// Reads the values of a source.
pub(super) fn read(source: &mut dyn BufRead, out: &mut Collector) -> Result<(), Stop> {
    let mut lines = Lines::new(source);
    lines.skip_mark()?;
    loop {
        match lines.peek()? {
            None => return Ok(()),
            Some(b'[') => array(&mut lines, out)?,
            Some(_) => return values(&mut lines, out),
        }
    }
}

/// Why bytes are not JSON.
pub(super) fn reason(bytes: &[u8], error: &serde_json::Error) -> &'static str {
    if bytes.contains(&0) {
        "contains NUL bytes"
    } else if std::str::from_utf8(bytes).is_err() {
        "not valid UTF-8"
    } else if error.to_string().starts_with("recursion limit") {
        TOO_DEEP
    } else {
        NOT_JSON
    }
}

/// Passes a value on; of an array, its elements.
fn emit(value: Value, line: u64, bytes: usize, out: &mut Collector) -> Result<(), Stop> {
    match value {
        Value::Array(elements) => {
            let each = bytes / elements.len().max(1);
            elements.into_iter().try_for_each(|element| out.take(element, line, None, each))
        }
        value => out.take(value, line, None, bytes),
    }
}

fn values(lines: &mut Lines<'_>, out: &mut Collector) -> Result<(), Stop> {
    while let Some(line) = lines.line()? {
        if line.is_too_long {
            pieces::read(line.bytes, line.number, lines, out)?;
            continue;
        }
        let bytes = line.bytes.trim_ascii();
        if bytes.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(bytes) {
            Ok(value) => {
                if !out.has_entries() {
                    out.layout(Layout::Lines);
                }
                emit(value, line.number, bytes.len(), out)?;
            }
            Err(error) if error.is_eof() => over_lines(line, lines, out)?,
            Err(error) => several(&line, &error, lines, out)?,
        }
    }
    Ok(())
}

/// Reads the first of several values on a line and gives the rest back.
fn several(
    line: &Line,
    error: &serde_json::Error,
    lines: &mut Lines<'_>,
    out: &mut Collector,
) -> Result<(), Stop> {
    let bytes = line.bytes.trim_ascii();
    let mut stream = Deserializer::from_slice(bytes).into_iter::<Value>();
    let first = stream.next().and_then(Result::ok).filter(|value| value.is_object() || value.is_array());
    let rest = bytes.get(stream.byte_offset()..).unwrap_or_default();
    let rest = rest.trim_ascii_start();
    let rest = rest.strip_prefix(b",").unwrap_or(rest).trim_ascii_start();
    match first {
        Some(value) if rest.is_empty() || rest.starts_with(b"{") || rest.starts_with(b"[") => {
            emit(value, line.number, bytes.len() - rest.len(), out)?;
            let rest = Line { number: line.number, bytes: rest.to_vec(), is_too_long: false };
            lines.give_back(std::iter::once(rest));
        }
        _ => out.unread(reason(bytes, error), line.number),
    }
    Ok(())
}

/// Reads a value that begins on a line and ends on a later one. If it does not end, its first line is unread and the
/// others are read again on their own.
fn over_lines(first: Line, lines: &mut Lines<'_>, out: &mut Collector) -> Result<(), Stop> {
    let number = first.number;
    let mut scanner = Scanner::default();
    let mut taken: Vec<Line> = Vec::new();
    let mut length = 0;
    let mut next = Some(first);
    let why = loop {
        let Some(line) = next else { break CUT_OFF };
        if line.is_too_long || length + line.bytes.len() > LONGEST_ENTRY {
            let mut head = Vec::with_capacity(length + line.bytes.len() + 1);
            for before in taken {
                head.extend_from_slice(&before.bytes);
                head.push(b'\n');
            }
            head.extend_from_slice(&line.bytes);
            if !line.is_too_long {
                head.push(b'\n');
            }
            return pieces::read(head, number, lines, out);
        }
        // The end of the line is part of the value: it ends numbers, and it may not be in texts.
        let step = match scanner.feed(&line.bytes) {
            Step::More => match scanner.feed(b"\n") {
                // A word that the end of the line ends, such as `t`: all of the line is taken.
                Step::Done(_) => Step::Done(line.bytes.len()),
                step => step,
            },
            step => step,
        };
        match step {
            Step::More => {
                length += line.bytes.len() + 1;
                taken.push(line);
                next = lines.line()?;
            }
            Step::Done(end) => {
                let end = end.min(line.bytes.len());
                let mut whole = Vec::with_capacity(length + end);
                for before in taken {
                    whole.extend_from_slice(&before.bytes);
                    whole.push(b'\n');
                }
                whole.extend_from_slice(&line.bytes[..end]);
                let rest =
                    Line { number: line.number, bytes: line.bytes[end..].to_vec(), is_too_long: false };
                lines.give_back(std::iter::once(rest).filter(|rest| !is_separator(&rest.bytes)));
                match serde_json::from_slice(&whole) {
                    Ok(value) => {
                        if !out.has_entries() {
                            out.layout(Layout::Document);
                        }
                        emit(value, number, whole.len(), out)?;
                    }
                    Err(error) => out.unread(reason(&whole, &error), number),
                }
                return Ok(());
            }
            Step::Bad(_) => {
                taken.push(line);
                break if scanner.is_too_deep() { TOO_DEEP } else { NOT_JSON };
            }
        }
    };
    out.unread(why, number);
    lines.give_back(taken.into_iter().skip(1));
    Ok(())
}

fn is_separator(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii(), b"" | b",")
}

/// What is at the place of an element.
enum Element {
    /// A value that was parsed in place, and its length.
    Parsed(Value, usize),
    /// A value whose text is in the buffer.
    Value,
    End,
    CutOff,
    Bad(&'static str),
    TooLong,
}

/// Reads the elements of an array one by one. After a broken element, reading goes on where the next object begins.
fn array(lines: &mut Lines<'_>, out: &mut Collector) -> Result<(), Stop> {
    out.layout(Layout::Array);
    lines.source.consume(1);
    let mut buffer = Vec::new();
    let mut was_broken = false;
    for position in 1.. {
        match element(lines, &mut buffer, was_broken)? {
            Element::End => break,
            Element::CutOff => {
                if !was_broken || !buffer.is_empty() {
                    out.unread(CUT_OFF, position);
                }
                break;
            }
            Element::TooLong => out.unread(TOO_LONG, position),
            Element::Bad(why) => {
                was_broken = true;
                out.unread(if buffer.contains(&0) { "contains NUL bytes" } else { why }, position);
            }
            Element::Parsed(value, length) => out.take(value, position, None, length)?,
            Element::Value => match serde_json::from_slice(&buffer) {
                Ok(value) => out.take(value, position, None, buffer.len())?,
                Err(error) => out.unread(reason(&buffer, &error), position),
            },
        }
    }
    Ok(())
}

/// Parses an object that lies in the reader's buffer as a whole; most do, so that they are scanned only once.
fn in_place(lines: &mut Lines<'_>) -> Result<Option<(Value, usize)>, Stop> {
    let chunk = lines.source.fill_buf()?;
    let mut stream = Deserializer::from_slice(chunk).into_iter::<Value>();
    let Some(Ok(value)) = stream.next() else { return Ok(None) };
    let length = stream.byte_offset();
    lines.number += chunk[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
    lines.source.consume(length);
    Ok(Some((value, length)))
}

fn element(lines: &mut Lines<'_>, buffer: &mut Vec<u8>, was_broken: bool) -> Result<Element, Stop> {
    buffer.clear();
    loop {
        match lines.peek()? {
            None => return Ok(Element::CutOff),
            // After a broken element, an end may be that of an inner list.
            Some(b']' | b'}') if was_broken => lines.source.consume(1),
            Some(b']') => {
                lines.source.consume(1);
                return Ok(Element::End);
            }
            Some(b'{') => match in_place(lines)? {
                Some((value, length)) => return Ok(Element::Parsed(value, length)),
                None => break,
            },
            Some(_) => break,
        }
    }
    let mut scanner = Scanner::default();
    let mut is_too_long = false;
    loop {
        let chunk = lines.source.fill_buf()?;
        if chunk.is_empty() {
            return Ok(Element::CutOff);
        }
        let step = scanner.feed(chunk);
        let end = match step {
            Step::More => chunk.len(),
            Step::Done(end) => end,
            Step::Bad(at) => at,
        };
        is_too_long |= buffer.len() + end > LONGEST_ENTRY;
        if is_too_long {
            buffer.clear();
        } else {
            buffer.extend_from_slice(&chunk[..end]);
        }
        lines.number += chunk[..end].iter().filter(|byte| **byte == b'\n').count() as u64;
        let next = chunk.get(end).copied();
        lines.source.consume(end);
        match step {
            Step::More => {}
            Step::Done(_) if is_too_long => return Ok(Element::TooLong),
            Step::Done(_) => return Ok(Element::Value),
            Step::Bad(_) => {
                // A byte that cannot begin a value would be met again.
                if end == 0 && buffer.is_empty() && next.is_some_and(|byte| !matches!(byte, b'{')) {
                    lines.source.consume(1);
                }
                buffer.extend(next.filter(|byte| *byte == 0));
                to_next_object(lines)?;
                return Ok(Element::Bad(if scanner.is_too_deep() { TOO_DEEP } else { NOT_JSON }));
            }
        }
    }
}

/// Skips to an object that begins a line or follows the end of another one.
fn to_next_object(lines: &mut Lines<'_>) -> Result<(), Stop> {
    let mut is_after_object = false;
    let mut is_between = false;
    loop {
        let chunk = lines.source.fill_buf()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut found = None;
        for (at, byte) in chunk.iter().enumerate() {
            match byte {
                b'{' if is_between => {
                    found = Some(at);
                    break;
                }
                b'\n' => {
                    lines.number += 1;
                    is_between = true;
                }
                b',' if is_after_object => is_between = true,
                b'}' => {
                    is_after_object = true;
                    is_between = false;
                }
                byte if byte.is_ascii_whitespace() => {}
                _ => {
                    is_after_object = false;
                    is_between = false;
                }
            }
        }
        let used = found.unwrap_or(chunk.len());
        lines.source.consume(used);
        if found.is_some() {
            return Ok(());
        }
    }
}
