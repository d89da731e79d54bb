//! Server-sent events as recorded from a streamed answer: the data of each event is an entry.

use super::collect::{Collector, Stop};
use super::json;
use super::lines::{LONGEST_ENTRY, Lines, TOO_LONG};
use serde_json::Value;
use std::io::BufRead;

/// Reads the events of a source (HTML Living Standard, section 9.2).
pub(super) fn read(source: &mut dyn BufRead, out: &mut Collector) -> Result<(), Stop> {
    let mut lines = Lines::new(source);
    lines.skip_mark()?;
    let mut data: Vec<u8> = Vec::new();
    let mut begin = 0;
    while let Some(line) = lines.line()? {
        if line.is_too_long {
            lines.skip_line()?;
            out.unread(TOO_LONG, line.number);
            continue;
        }
        let bytes = line.bytes.strip_suffix(b"\r").unwrap_or(&line.bytes);
        if bytes.trim_ascii().is_empty() {
            event(&data, begin, out)?;
            data.clear();
        } else if let Some(more) = bytes.strip_prefix(b"data:") {
            // Some recordings leave out the empty lines between events.
            if !data.is_empty() && serde_json::from_slice::<serde::de::IgnoredAny>(&data).is_ok() {
                event(&data, begin, out)?;
                data.clear();
            }
            if data.is_empty() {
                begin = line.number;
            } else {
                data.push(b'\n');
            }
            data.extend_from_slice(more.trim_ascii());
            if data.len() > LONGEST_ENTRY {
                out.unread(TOO_LONG, begin);
                data.clear();
            }
        } else if !["event", "id", "retry", ""].iter().any(|field| is_field(bytes, field)) {
            out.unread("not a line of an event stream", line.number);
        }
    }
    event(&data, begin, out)
}

fn is_field(line: &[u8], name: &str) -> bool {
    line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":"))
}

fn event(data: &[u8], line: u64, out: &mut Collector) -> Result<(), Stop> {
    match data.trim_ascii() {
        b"" | b"[DONE]" => Ok(()),
        data => match serde_json::from_slice::<Value>(data) {
            Ok(value) => out.take(value, line, None, data.len()),
            Err(error) => {
                out.unread(json::reason(data, &error), line);
                Ok(())
            }
        },
    }
}
