//! Text for a terminal and for log files: characters of names and errors that a terminal would obey, or that would begin a
//! line, are written as escapes.

use std::io::{self, Write};

/// Whether a terminal obeys a character, or it changes the direction of the text around it.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The same JSON text with such characters as escapes, as in `\u009b`. The text has no control character outside of strings.
pub fn harmless_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if is_obeyed(c) => {
                // All of them have one code unit.
                let mut units = [0; 2];
                out.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
            }
            c => out.push(c),
        }
    }
    out
}

/// The text on one line, with spaces for such characters.
pub fn one_line(text: &str) -> String {
    text.replace(is_obeyed, " ")
}

/// The text with such characters as escapes, as in `\u{1b}`. Line feeds and tabs stay.
pub fn harmless(text: &str) -> String {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if !is_obeyed(c) || stays(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.extend(c.escape_unicode()),
        }
    }
    out
}

/// A writer of log lines. One event is one line: line feeds within it and characters that a terminal obeys become escapes.
/// Colours of the program itself stay.
#[derive(Debug)]
pub struct LogLines<W>(pub W);

impl<W: Write> Write for LogLines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let (text, end) = text.strip_suffix('\n').map_or((&*text, ""), |text| (text, "\n"));
        let line = coloured(text, |c| c == '\t');
        self.0.write_all(format!("{line}{end}").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A text for a terminal with colours of the program itself: the rest is as in [`harmless`].
pub fn shown(text: &str) -> String {
    coloured(text, |c| matches!(c, '\n' | '\t'))
}

/// Escapes all but colours: `ESC [ 31 m` and the like.
fn coloured(text: &str, stays: impl Fn(char) -> bool + Copy) -> String {
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('\u{1b}');
    out += &escaped(pieces.next().unwrap_or_default(), stays);
    for piece in pieces {
        let colour = piece.strip_prefix('[').and_then(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';')?;
            rest[end..].starts_with('m').then_some(end + 2)
        });
        let (colour, rest) = piece.split_at(colour.unwrap_or(0));
        if colour.is_empty() {
            out += "\\u{1b}";
        } else {
            out.push('\u{1b}');
            out += colour;
        }
        out += &escaped(rest, stays);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(event: &str) -> String {
        let mut out = Vec::new();
        let written = LogLines(&mut out).write(event.as_bytes()).expect("memory");
        assert_eq!(written, event.len());
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn one_event_is_one_line_that_no_terminal_obeys() {
        assert_eq!(logged("INFO plain ü 🧪\n"), "INFO plain ü 🧪\n");
        assert_eq!(logged("a\r\nWARN forged\u{7}\n"), "a\\r\\nWARN forged\\u{7}\n");
        assert_eq!(logged("\u{1b}]0;title\u{1b}[2J\u{202e}x\n"), "\\u{1b}]0;title\\u{1b}[2J\\u{202e}x\n");
        assert_eq!(logged("\u{1b}[32m INFO\u{1b}[0m a\tb\n"), "\u{1b}[32m INFO\u{1b}[0m a\tb\n");
        assert_eq!(logged("end \u{1b}["), "end \\u{1b}[");
    }

    #[test]
    fn an_error_keeps_its_lines() {
        assert_eq!(one_line("a\n\u{1b}b\u{202e}c"), "a  b c");
        assert_eq!(shown("\u{1b}[1ma\u{1b}[0m\n\u{1b}[2J\tb"), "\u{1b}[1ma\u{1b}[0m\n\\u{1b}[2J\tb");
        assert_eq!(harmless("a\n  b\u{1b}[31m\u{9b}\0"), "a\n  b\\u{1b}[31m\\u{9b}\\u{0}");
    }
}
