//! Reads JSON objects that are larger than an entry may be, such as a page of a million rows on one line: the elements of
//! their lists are passed on in pieces, each an object of its own with the fields that are not lists. A piece is a fraction
//! of the limit, so that memory stays bounded.

use super::collect::{Collector, Stop};
use super::lines::{CUT_OFF, LONGEST_ENTRY, Lines, NOT_JSON, TOO_LONG};
use super::scanner::{Scanner, Step};
use crate::request_log::entry::Layout;
use serde_json::{Map, Value};

/// Size of the elements of a piece, bytes.
const PIECE: usize = 8 << 20;

/// The text that was read already, and the source after it.
struct Text<'t, 's> {
    head: Vec<u8>,
    at: usize,
    lines: &'t mut Lines<'s>,
}

/// A value of an object or a list.
enum Part {
    Value(Value, usize),
    TooLong,
    Bad,
    CutOff,
}

/// Why an object is not read to its end.
enum Broken {
    Stop(Stop),
    Because(&'static str),
}

impl From<Stop> for Broken {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl Text<'_, '_> {
    fn chunk(&mut self) -> Result<&[u8], Stop> {
        if self.at < self.head.len() {
            return Ok(&self.head[self.at..]);
        }
        self.head = Vec::new();
        self.at = 0;
        Ok(self.lines.source.fill_buf()?)
    }

    /// Takes bytes of the chunk. Those of the source are of lines that were not counted yet.
    fn consume(&mut self, bytes: usize) -> Result<(), Stop> {
        if self.at < self.head.len() {
            self.at += bytes;
        } else {
            let chunk = self.lines.source.fill_buf()?;
            let ends = chunk.iter().take(bytes).filter(|byte| **byte == b'\n').count();
            self.lines.number += ends as u64;
            self.lines.source.consume(bytes);
        }
        Ok(())
    }

    /// The next byte that is not white space, without taking it.
    fn peek(&mut self) -> Result<Option<u8>, Stop> {
        self.next(u8::is_ascii_whitespace)
    }

    /// The next byte that is not skipped, without taking it.
    fn next(&mut self, is_skipped: fn(&u8) -> bool) -> Result<Option<u8>, Stop> {
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(None);
            }
            let skipped = chunk.iter().take_while(|byte| is_skipped(byte)).count();
            let found = chunk.get(skipped).copied();
            self.consume(skipped)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }

    /// Takes the next byte if it is this one.
    fn takes(&mut self, byte: u8) -> Result<bool, Stop> {
        let is_it = self.peek()? == Some(byte);
        if is_it {
            self.consume(1)?;
        }
        Ok(is_it)
    }

    /// Takes a byte that has to follow.
    fn expect(&mut self, byte: u8) -> Result<(), Broken> {
        match self.peek()? {
            Some(found) if found == byte => {
                self.consume(1)?;
                Ok(())
            }
            Some(_) => Err(Broken::Because(NOT_JSON)),
            None => Err(Broken::Because(CUT_OFF)),
        }
    }

    fn value(&mut self) -> Result<Part, Stop> {
        let mut scanner = Scanner::default();
        let mut bytes = Vec::new();
        let mut is_too_long = false;
        loop {
            let chunk = self.chunk()?;
            if chunk.is_empty() {
                return Ok(Part::CutOff);
            }
            let step = scanner.feed(chunk);
            let end = match step {
                Step::More => chunk.len(),
                Step::Done(end) | Step::Bad(end) => end,
            };
            is_too_long |= bytes.len() + end > LONGEST_ENTRY;
            if is_too_long {
                bytes = Vec::new();
            } else {
                bytes.extend_from_slice(&chunk[..end]);
            }
            self.consume(end)?;
            match step {
                Step::More => {}
                Step::Bad(_) => return Ok(Part::Bad),
                Step::Done(_) if is_too_long => return Ok(Part::TooLong),
                Step::Done(_) => {
                    let value = serde_json::from_slice(&bytes);
                    return Ok(value.map_or(Part::Bad, |value| Part::Value(value, bytes.len())));
                }
            }
        }
    }
}

/// An object that is read.
struct Document<'t, 's, 'o> {
    text: Text<'t, 's>,
    line: u64,
    out: &'o mut Collector,
    /// Fields that are not lists.
    fields: Map<String, Value>,
    /// The last elements of each list.
    lists: Vec<(String, Vec<Value>)>,
    /// Size of the fields and the last elements, bytes.
    kept: usize,
    /// Number of pieces that were passed on.
    pieces: u64,
    is_too_long: bool,
}

/// Reads the objects of a line that is too long, or one over many lines. Its first bytes were read already; the source is
/// at those after them. Afterwards it is at the line after the end.
pub(super) fn read(head: Vec<u8>, line: u64, lines: &mut Lines<'_>, out: &mut Collector) -> Result<(), Stop> {
    let mut head = head;
    for back in lines.take_back() {
        head.extend_from_slice(&back.bytes);
        head.push(b'\n');
    }
    let mut text = Text { head, at: 0, lines };
    loop {
        // Several objects may share the line.
        match text.next(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b','))? {
            Some(b'{') => {}
            Some(b'\n') => {
                text.consume(1)?;
                rest(text);
                return Ok(());
            }
            None => return Ok(()),
            Some(_) => {
                out.unread(TOO_LONG, line);
                return skip(text);
            }
        }
        let mut document = Document {
            text,
            line,
            out: &mut *out,
            fields: Map::new(),
            lists: Vec::new(),
            kept: 0,
            pieces: 0,
            is_too_long: false,
        };
        let read = document.object();
        document.last(read.is_ok())?;
        text = document.text;
        match read {
            Ok(()) => {}
            Err(Broken::Stop(stop)) => return Err(stop),
            Err(Broken::Because(why)) => {
                out.unread(why, line);
                return skip(text);
            }
        }
    }
}

/// Skips to the next line.
fn skip(mut text: Text<'_, '_>) -> Result<(), Stop> {
    if text.next(|byte| *byte != b'\n')?.is_some() {
        text.consume(1)?;
    }
    rest(text);
    Ok(())
}

/// Gives back the lines that were read already.
fn rest(text: Text<'_, '_>) {
    text.lines.give_back_bytes(text.head.get(text.at..).unwrap_or_default());
}

impl Document<'_, '_, '_> {
    fn object(&mut self) -> Result<(), Broken> {
        self.text.expect(b'{')?;
        if self.text.takes(b'}')? {
            return Ok(());
        }
        loop {
            let name = match self.text.peek()? {
                Some(b'"') => match self.text.value()? {
                    Part::Value(Value::String(name), _) => name,
                    Part::CutOff => return Err(Broken::Because(CUT_OFF)),
                    _ => return Err(Broken::Because(NOT_JSON)),
                },
                Some(_) => return Err(Broken::Because(NOT_JSON)),
                None => return Err(Broken::Because(CUT_OFF)),
            };
            self.text.expect(b':')?;
            if self.text.takes(b'[')? {
                self.list(name)?;
            } else if let Some((value, bytes)) = self.value()? {
                self.kept += bytes;
                self.fields.insert(name, value);
            }
            if !self.text.takes(b',')? {
                return self.text.expect(b'}');
            }
        }
    }

    /// A value; nothing if it is too long to keep.
    fn value(&mut self) -> Result<Option<(Value, usize)>, Broken> {
        match self.text.value()? {
            Part::Value(value, bytes) if self.kept + bytes <= LONGEST_ENTRY => Ok(Some((value, bytes))),
            Part::Value(..) | Part::TooLong => {
                if !self.is_too_long {
                    self.out.unread(TOO_LONG, self.line);
                }
                self.is_too_long = true;
                Ok(None)
            }
            Part::Bad => Err(Broken::Because(NOT_JSON)),
            Part::CutOff => Err(Broken::Because(CUT_OFF)),
        }
    }

    fn list(&mut self, name: String) -> Result<(), Broken> {
        let mut elements = Vec::new();
        let mut size = 0;
        if self.text.takes(b']')? {
            self.lists.push((name, elements));
            return Ok(());
        }
        loop {
            let element = match self.value() {
                Ok(element) => element,
                Err(broken) => {
                    self.lists.push((name, elements));
                    return Err(broken);
                }
            };
            if let Some((element, bytes)) = element {
                // The last piece is passed on with the fields after the list.
                if size >= PIECE {
                    self.piece(&name, std::mem::take(&mut elements), size)?;
                    size = 0;
                }
                size += bytes;
                elements.push(element);
            }
            if !self.text.takes(b',')? {
                self.kept += size;
                self.lists.push((name, elements));
                return self.text.expect(b']');
            }
        }
    }

    fn piece(&mut self, name: &str, elements: Vec<Value>, bytes: usize) -> Result<(), Stop> {
        let mut piece = self.fields.clone();
        piece.insert(name.to_owned(), Value::Array(elements));
        self.pieces += 1;
        self.pass(piece, bytes)
    }

    /// Passes on what remains: the object as a whole, or the last elements of its lists.
    fn last(&mut self, is_complete: bool) -> Result<(), Stop> {
        let mut last = std::mem::take(&mut self.fields);
        for (name, elements) in self.lists.drain(..) {
            last.insert(name, Value::Array(elements));
        }
        // An object without one of its fields is another one.
        if last.is_empty() || self.pieces == 0 && (self.is_too_long || !is_complete) {
            return Ok(());
        }
        self.pass(last, self.kept)
    }

    fn pass(&mut self, object: Map<String, Value>, bytes: usize) -> Result<(), Stop> {
        if !self.out.has_entries() {
            self.out.layout(Layout::Document);
        }
        self.out.take(Value::Object(object), self.line, None, bytes)
    }
}
