//! Lines of a file with their numbers, limited in length.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// Maximum length of an entry, bytes; a request with its whole response is far shorter.
pub(super) const LONGEST_ENTRY: usize = 64 << 20;
/// The reason for an entry beyond the limit.
pub(super) const TOO_LONG: &str = "longer than 64 MiB";
/// The reason for an entry that ends with the file.
pub(super) const CUT_OFF: &str = "cut off: the file ends inside this entry";
/// The reason for text that is not JSON.
pub(super) const NOT_JSON: &str = "not valid JSON";

/// A line without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub number: u64,
    pub bytes: Vec<u8>,
    /// The line is longer than the limit: these are its first bytes. The source is at those after them, until the line is
    /// skipped.
    pub is_too_long: bool,
}

/// Reads lines; some can be given back.
pub(super) struct Lines<'s> {
    pub source: &'s mut dyn BufRead,
    /// Number of the line that the source is at.
    pub number: u64,
    back: VecDeque<Line>,
}

impl<'s> Lines<'s> {
    pub fn new(source: &'s mut dyn BufRead) -> Self {
        Self { source, number: 1, back: VecDeque::new() }
    }

    /// The next line; `None` at the end.
    pub fn line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.back.pop_front() {
            return Ok(Some(line));
        }
        let mut bytes = Vec::new();
        let limit = LONGEST_ENTRY as u64 + 1;
        let read = Read::take(&mut *self.source, limit).read_until(b'\n', &mut bytes)?;
        if read == 0 {
            return Ok(None);
        }
        let number = self.number;
        let is_ended = bytes.last() == Some(&b'\n');
        let is_too_long = !is_ended && bytes.len() > LONGEST_ENTRY;
        if is_ended {
            self.number += 1;
            bytes.pop();
        }
        Ok(Some(Line { number, bytes, is_too_long }))
    }

    /// Gives lines back, to be read again before the rest.
    pub fn give_back(&mut self, lines: impl DoubleEndedIterator<Item = Line>) {
        lines.rev().for_each(|line| self.back.push_front(line));
    }

    /// Lines that were given back.
    pub fn take_back(&mut self) -> impl Iterator<Item = Line> + '_ {
        self.back.drain(..)
    }

    /// Gives whole lines back that were taken as bytes.
    pub fn give_back_bytes(&mut self, bytes: &[u8]) {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let first = self.number.saturating_sub(lines.clone().count() as u64);
        for (number, line) in (first..).zip(lines) {
            let bytes = line.strip_suffix(b"\n").unwrap_or(line).to_vec();
            self.back.push_back(Line { number, bytes, is_too_long: false });
        }
    }

    /// Skips to the next line.
    pub fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.source.fill_buf()?;
            if chunk.is_empty() {
                return Ok(());
            }
            match chunk.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.source.consume(end + 1);
                    self.number += 1;
                    return Ok(());
                }
                None => {
                    let all = chunk.len();
                    self.source.consume(all);
                }
            }
        }
    }

    /// Skips a byte order mark.
    pub fn skip_mark(&mut self) -> io::Result<()> {
        if self.source.fill_buf()?.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.source.consume(3);
        }
        Ok(())
    }

    /// Skips white space and commas, counts lines, and returns the next byte without taking it.
    pub fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            let chunk = self.source.fill_buf()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let blank = chunk.iter().take_while(|b| b.is_ascii_whitespace() || **b == b',').count();
            let found = chunk.get(blank).copied();
            self.number += chunk[..blank].iter().filter(|b| **b == b'\n').count() as u64;
            self.source.consume(blank);
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}
