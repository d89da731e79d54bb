//! Finds the end of a JSON value without building it, in pieces of any size. It follows the grammar of RFC 8259 closely
//! enough to notice at once where a value was cut off and another one begins.

/// Values nested deeper than this are refused, as by the parser.
const DEEPEST: usize = 128;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Value,
    ValueOrEnd,
    KeyOrEnd,
    Key,
    Colon,
    After,
    Text { is_key: bool, is_escaped: bool },
    Word,
}

/// What a piece of a value comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The value goes on after this piece.
    More,
    /// The value ends before this offset of the piece.
    Done(usize),
    /// The byte at this offset cannot follow.
    Bad(usize),
}

/// Scans one value.
#[derive(Debug)]
pub(super) struct Scanner {
    open: Vec<u8>,
    state: State,
    is_too_deep: bool,
}

impl Default for Scanner {
    fn default() -> Self {
        Self { open: Vec::new(), state: State::Value, is_too_deep: false }
    }
}

impl Scanner {
    /// Scans the next piece.
    pub fn feed(&mut self, piece: &[u8]) -> Step {
        let mut at = 0;
        while at < piece.len() {
            let byte = piece[at];
            match self.state {
                State::Text { is_key, is_escaped } => {
                    if is_escaped {
                        self.state = State::Text { is_key, is_escaped: false };
                        at += 1;
                        continue;
                    }
                    let plain = piece[at..]
                        .iter()
                        .take_while(|b| !matches!(**b, b'"' | b'\\') && **b >= 0x20)
                        .count();
                    at += plain;
                    match piece.get(at) {
                        None => return Step::More,
                        Some(b'\\') => self.state = State::Text { is_key, is_escaped: true },
                        Some(b'"') if is_key => self.state = State::Colon,
                        Some(b'"') => {
                            self.state = State::After;
                            if self.open.is_empty() {
                                return Step::Done(at + 1);
                            }
                        }
                        Some(_) => return Step::Bad(at),
                    }
                    at += 1;
                }
                State::Word if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.') => at += 1,
                State::Word => {
                    self.state = State::After;
                    if self.open.is_empty() {
                        return Step::Done(at);
                    }
                }
                _ if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                _ => {
                    if !self.sign(byte) {
                        return Step::Bad(at);
                    }
                    at += 1;
                    if self.state == State::After && self.open.is_empty() {
                        return Step::Done(at);
                    }
                }
            }
        }
        Step::More
    }

    /// Whether the byte that could not follow would have nested the value too deeply.
    pub fn is_too_deep(&self) -> bool {
        self.is_too_deep
    }

    /// Takes a byte outside of texts and words; returns whether it may stand there.
    fn sign(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (State::Value | State::ValueOrEnd, b'{' | b'[') if self.open.len() < DEEPEST => {
                self.open.push(byte);
                self.state = if byte == b'{' { State::KeyOrEnd } else { State::ValueOrEnd };
            }
            (State::Value | State::ValueOrEnd, b'"') => {
                self.state = State::Text { is_key: false, is_escaped: false };
            }
            (State::Value | State::ValueOrEnd, b't' | b'f' | b'n' | b'-' | b'0'..=b'9') => {
                self.state = State::Word;
            }
            (State::KeyOrEnd | State::Key, b'"') => {
                self.state = State::Text { is_key: true, is_escaped: false };
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::After, b',') => {
                self.state = if self.open.last() == Some(&b'{') { State::Key } else { State::Value };
            }
            (State::KeyOrEnd | State::After, b'}') if self.open.last() == Some(&b'{') => {
                self.open.pop();
                self.state = State::After;
            }
            (State::ValueOrEnd | State::After, b']') if self.open.last() == Some(&b'[') => {
                self.open.pop();
                self.state = State::After;
            }
            (State::Value | State::ValueOrEnd, b'{' | b'[') => {
                self.is_too_deep = true;
                return false;
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Step {
        let whole = Scanner::default().feed(text.as_bytes());
        // In pieces of one byte it comes to the same.
        let mut scanner = Scanner::default();
        let mut single = Step::More;
        for at in 0..text.len() {
            single = match scanner.feed(&text.as_bytes()[at..=at]) {
                Step::More => continue,
                Step::Done(n) => Step::Done(at + n),
                Step::Bad(n) => Step::Bad(at + n),
            };
            break;
        }
        assert_eq!(whole, single, "{text}");
        whole
    }

    #[test]
    fn values_end_where_they_end() {
        for (text, end) in [
            (r#"{"a": [1, {"b": "}\"]"}], "c": null} rest"#, 36),
            ("[] ", 2),
            ("{}", 2),
            (r#""x\\" 1"#, 5),
            ("-1.5e+3,", 7),
            ("  [true,\n false]", 16),
        ] {
            assert_eq!(scan(text), Step::Done(end), "{text}");
        }
    }

    #[test]
    fn values_that_were_cut_off_are_noticed_where_the_next_one_begins() {
        for (text, at) in [
            ("{\"a\": 1\n{\"b\": 2}", 8),
            ("{\"a\": 1,\n{\"b\": 2}", 9),
            ("{\"a\": \"tex\n{\"b\": 2}", 10),
            ("{\"a\"\n{", 5),
            ("}", 0),
            ("{\"a\": [1}", 8),
            ("nonsense\0", 8),
        ] {
            let expected = if text.starts_with('n') { Step::Done(at) } else { Step::Bad(at) };
            assert_eq!(scan(text), expected, "{text}");
        }
        assert_eq!(scan("{\"a\": [1, 2"), Step::More);
        assert_eq!(scan(&"[".repeat(200)), Step::Bad(DEEPEST));
        let is_too_deep = |text: &str| {
            let mut scanner = Scanner::default();
            scanner.feed(text.as_bytes());
            scanner.is_too_deep()
        };
        assert!(is_too_deep(&"[".repeat(200)) && !is_too_deep("[1}"));
    }
}
