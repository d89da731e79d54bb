//! Reads a request log line by line. Nothing is lost silently: unusable lines are counted by reason, with the numbers
//! of the first such lines.

use super::shape::{Request, Shape, request};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead, Read};

/// Line numbers kept for each reason.
const LINES_KEPT: usize = 5;
/// Maximum length of a line, bytes; a request with its whole response is far shorter.
const LONGEST_LINE: u64 = 64 << 20;

/// Lines skipped for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The reason.
    pub reason: String,
    /// Number of lines.
    pub lines: usize,
    /// Line numbers of the first five.
    pub first: Vec<usize>,
}

/// A parsed request log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    /// The requests, in the order of the file.
    pub requests: Vec<Request>,
    /// Number of non-empty lines.
    pub lines: usize,
    /// Number of requests of each shape.
    pub shapes: BTreeMap<Shape, usize>,
    /// Skipped lines by reason, most frequent reason first.
    pub skipped: Vec<Skipped>,
}

#[derive(Default)]
struct Reading {
    log: Log,
    seen: HashSet<String>,
    skipped: BTreeMap<String, Skipped>,
}

impl Reading {
    fn skip(&mut self, reason: &str, line: usize) {
        let first = || Skipped { reason: reason.to_owned(), ..Skipped::default() };
        let skipped = self.skipped.entry(reason.to_owned()).or_insert_with(first);
        skipped.lines += 1;
        if skipped.first.len() < LINES_KEPT {
            skipped.first.push(line);
        }
    }

    fn take(&mut self, entry: &Value, line: usize) {
        let (shape, request) = match request(entry, line) {
            Ok(found) => found,
            Err(refusal) => return self.skip(&refusal.to_string(), line),
        };
        if let Some(id) = &request.id
            && !self.seen.insert(id.clone())
        {
            return self.skip("duplicate request (its id occurred before)", line);
        }
        *self.log.shapes.entry(shape).or_default() += 1;
        self.log.requests.push(request);
    }

    fn line(&mut self, bytes: &[u8], number: usize) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.log.lines += 1;
            return self.skip("not valid UTF-8", number);
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return;
        }
        self.log.lines += 1;
        match serde_json::from_str::<Value>(text) {
            Ok(entry) => self.take(&entry, number),
            Err(_) => self.skip("not valid JSON", number),
        }
    }

    fn done(mut self) -> Log {
        self.log.skipped = self.skipped.into_values().collect();
        self.log.skipped.sort_by_key(|s| std::cmp::Reverse(s.lines));
        self.log
    }
}

/// Reads a log: one JSON object per line, or one JSON array of objects.
///
/// # Errors
/// If the source cannot be read, or a line is longer than 64 MiB.
pub fn read(mut source: impl BufRead) -> io::Result<Log> {
    let mut reading = Reading::default();
    if source.fill_buf()?.trim_ascii_start().first() == Some(&b'[') {
        let mut bytes = Vec::new();
        source.read_to_end(&mut bytes)?;
        return Ok(array(reading, &bytes));
    }
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let read = source.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            break;
        }
        if read as u64 == LONGEST_LINE && bytes.last() != Some(&b'\n') {
            let said = format!("line {number} is longer than 64 MiB: is this a request log?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, said));
        }
        reading.line(&bytes, number);
    }
    Ok(reading.done())
}

/// Reads one JSON array, or single lines if the text is not a valid array.
fn array(mut reading: Reading, bytes: &[u8]) -> Log {
    match serde_json::from_slice::<Vec<Value>>(bytes) {
        Ok(entries) => {
            reading.log.lines = entries.len();
            for (place, entry) in entries.iter().enumerate() {
                reading.take(entry, place + 1);
            }
        }
        Err(_) => {
            for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
                reading.line(line, at + 1);
            }
        }
    }
    reading.done()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_counted_with_their_numbers() {
        let text =
            b"{\"id\":\"a\",\"prompt_tokens\":5}\n\nnonsense\n{\"id\":\"a\",\"prompt_tokens\":5}\n\xff\xfe\n\
            {\"prompt_tokens\":7,\"completion_tokens\":2}\n{\"x\":1}\nmore nonsense"
                .as_slice();
        let log = read(text).expect("readable");
        assert_eq!((log.requests.len(), log.lines), (2, 7));
        let told: Vec<(usize, &[usize])> =
            log.skipped.iter().map(|s| (s.lines, s.first.as_slice())).collect();
        assert_eq!(told[0], (2, &[3, 8][..]), "{:?}", log.skipped);
        assert!(log.skipped.iter().any(|s| s.reason.contains("duplicate request") && s.first == [4]));
        assert!(log.skipped.iter().any(|s| s.reason.contains("UTF-8") && s.first == [5]));
    }

    #[test]
    fn an_array_is_a_log_too() {
        let text = "[{\"prompt_tokens\": 5},\n {\"prompt_tokens\": 6}, 3]";
        let log = read(text.as_bytes()).expect("readable");
        assert_eq!((log.requests.len(), log.lines, log.skipped[0].lines), (2, 3, 1));
        let broken = read(&b"[1,2\n{\"prompt_tokens\": 5}\n"[..]).expect("readable");
        assert_eq!((broken.requests.len(), broken.skipped[0].first.as_slice()), (1, &[1][..]));
    }
}
