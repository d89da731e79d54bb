//! Reads Rust and SQL as plain tokens: enough to see which names a file uses, without a parser.

/// The source with comments, literals and `#[cfg(test)]` items blanked out; line numbers do not change.
pub fn plain_code(source: &str) -> String {
    without_test_modules(&blank_rust(source))
}

/// The SQL in lower case, with comments and string literals blanked out.
pub fn plain_sql(source: &str) -> String {
    let text: Vec<char> = source.to_lowercase().chars().collect();
    let mut out = Blanked::new(&text);
    while let Some(here) = out.here() {
        match (here, out.next()) {
            ('-', Some('-')) => out.blank_until(|at| at.starts_with(&['\n'])),
            ('/', Some('*')) => out.blank_block(false),
            ('\'', _) => out.blank_quoted('\'', false),
            _ => out.keep(),
        }
    }
    out.text
}

pub fn blank_rust(source: &str) -> String {
    let text: Vec<char> = source.chars().collect();
    let mut out = Blanked::new(&text);
    while let Some(here) = out.here() {
        match (here, out.next()) {
            ('/', Some('/')) => out.blank_until(|at| at.starts_with(&['\n'])),
            ('/', Some('*')) => out.blank_block(true),
            ('"', _) => out.blank_quoted('"', true),
            ('r', Some('"' | '#')) if out.raw_string_hashes().is_some() && !out.after_word() => {
                out.blank_raw()
            }
            ('\'', _) if out.starts_char_literal() => out.blank_quoted('\'', true),
            _ => out.keep(),
        }
    }
    out.text
}

/// Walks through a text and copies it or replaces it with blanks, but keeps every line break.
struct Blanked<'a> {
    from: &'a [char],
    at: usize,
    text: String,
}

impl<'a> Blanked<'a> {
    fn new(from: &'a [char]) -> Self {
        Self { from, at: 0, text: String::new() }
    }

    fn here(&self) -> Option<char> {
        self.from.get(self.at).copied()
    }

    fn next(&self) -> Option<char> {
        self.from.get(self.at + 1).copied()
    }

    fn keep(&mut self) {
        self.text.extend(self.here());
        self.at += 1;
    }

    fn blank(&mut self, count: usize) {
        for _ in 0..count {
            if let Some(here) = self.here() {
                self.text.push(if here == '\n' { '\n' } else { ' ' });
                self.at += 1;
            }
        }
    }

    fn blank_until(&mut self, end: impl Fn(&[char]) -> bool) {
        while self.at < self.from.len() && !end(&self.from[self.at..]) {
            self.blank(1);
        }
    }

    /// Blanks a block comment: Rust's block comments nest, SQL's do not.
    fn blank_block(&mut self, nests: bool) {
        let mut depth = 0;
        while self.at < self.from.len() {
            let rest = &self.from[self.at..];
            if rest.starts_with(&['/', '*']) && (nests || depth == 0) {
                depth += 1;
                self.blank(2);
            } else if rest.starts_with(&['*', '/']) {
                depth -= 1;
                self.blank(2);
                if depth == 0 {
                    return;
                }
            } else {
                self.blank(1);
            }
        }
    }

    fn blank_quoted(&mut self, quote: char, escapes: bool) {
        self.blank(1);
        while let Some(here) = self.here() {
            if escapes && here == '\\' {
                self.blank(2);
            } else {
                self.blank(1);
                if here == quote {
                    return;
                }
            }
        }
    }

    fn raw_string_hashes(&self) -> Option<usize> {
        let hashes = self.from[self.at + 1..].iter().take_while(|c| **c == '#').count();
        (self.from.get(self.at + 1 + hashes) == Some(&'"')).then_some(hashes)
    }

    fn blank_raw(&mut self) {
        let hashes = self.raw_string_hashes().unwrap_or_default();
        let mut end = vec!['"'];
        end.resize(hashes + 1, '#');
        self.blank(hashes + 2);
        self.blank_until(|at| at.starts_with(&end));
        self.blank(hashes + 1);
    }

    /// Distinguishes `'x'` and `'\n'` from the lifetime `'x`.
    fn starts_char_literal(&self) -> bool {
        self.next() == Some('\\') || self.from.get(self.at + 2) == Some(&'\'')
    }

    fn after_word(&self) -> bool {
        // `br"…"` and `cr"…"` are raw strings too.
        let before = self.text.chars().next_back().filter(|c| !['b', 'c'].contains(c));
        before.is_some_and(is_word)
    }
}

/// Tests inside `src` may use anything: blanks every `#[cfg(test)]` item, module or other, to its semicolon or closing brace.
fn without_test_modules(code: &str) -> String {
    let mut out = code.to_owned();
    for start in words_in_a_row(code, &["#", "[", "cfg", "(", "test", ")", "]"]) {
        let Some(open) = code[start..].find(['{', ';']).map(|at| start + at) else { continue };
        let mut depth = 0;
        let end = code[open..].char_indices().find_map(|(at, c)| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            (depth == 0 && [';', '}'].contains(&c)).then_some(open + at + 1)
        });
        let end = end.unwrap_or(code.len());
        let blank: String = code[start..end]
            .chars()
            .flat_map(|c| std::iter::repeat_n(if c == '\n' { '\n' } else { ' ' }, c.len_utf8()))
            .collect();
        out.replace_range(start..end, &blank);
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The tokens of a text with their positions: words, `::`, and single other characters.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        if !first.is_whitespace() {
            found.push((at, &rest[..length]));
        }
        at += length;
    }
    found
}

/// The positions where these tokens follow each other, whatever the white space between them.
pub fn words_in_a_row(text: &str, words: &[&str]) -> Vec<usize> {
    let all = tokens(text);
    let matches = |window: &&[(usize, &str)]| window.iter().zip(words).all(|(token, word)| token.1 == *word);
    all.windows(words.len()).filter(matches).map(|window| window[0].0).collect()
}

/// The line number (from 1) of a position in a text.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// The top-level modules that paths name from the crate's root, with their positions: through `crate::`, `hitrate::`,
/// or as many `super::` as the file is deep. `*` means a glob over the root.
pub fn own_modules_used(code: &str, depth: usize) -> Vec<(usize, String)> {
    let all = tokens(code);
    let word = |index: usize| all.get(index).map_or("", |token| token.1);
    let mut found = Vec::new();
    let mut index = 0;
    while index < all.len() {
        let supers =
            (0..).take_while(|n| word(index + 2 * n) == "super" && word(index + 2 * n + 1) == "::").count();
        let from_root = ["crate", "hitrate"].contains(&word(index)) && word(index + 1) == "::";
        let length = if from_root { 2 } else { 2 * supers };
        let after = index + length;
        if from_root || (supers > 0 && supers >= depth) {
            let place = all[index].0;
            found.extend(first_segments(&all[after..]).into_iter().map(|name| (place, name)));
        }
        index += length.max(1);
    }
    found
}

/// The paths that a file names through `crate::` or `super::`, from the root of the crate; `inside` is the path of the
/// file's own module.
pub fn own_paths_used(code: &str, inside: &[String]) -> Vec<Vec<String>> {
    let all: Vec<&str> = tokens(code).into_iter().map(|(_, token)| token).collect();
    let word = |index: usize| all.get(index).copied().unwrap_or_default();
    let mut found = Vec::new();
    let mut at = 0;
    while at < all.len() {
        let supers =
            (0..).take_while(|n| word(at + 2 * n) == "super" && word(at + 2 * n + 1) == "::").count();
        if word(at) == "crate" && word(at + 1) == "::" {
            at += 2;
            add_paths(&all, &mut at, &[], &mut found);
        } else if supers > 0 {
            at += 2 * supers;
            let above = inside.len().saturating_sub(supers);
            add_paths(&all, &mut at, &inside[..above], &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Adds the path that begins at `at`, or each path of a list in braces, below `above`.
fn add_paths(all: &[&str], at: &mut usize, above: &[String], found: &mut Vec<Vec<String>>) {
    let word = |index: usize| all.get(index).copied().unwrap_or("}");
    if word(*at) == "{" {
        *at += 1;
        while word(*at) != "}" {
            add_paths(all, at, above, found);
            // The comma, or a new name with its `as`.
            while !["}", ","].contains(&word(*at)) {
                *at += 1;
            }
            *at += usize::from(word(*at) == ",");
        }
        *at += 1;
        return;
    }
    let mut path = above.to_vec();
    loop {
        path.push(word(*at).to_owned());
        *at += 1;
        if word(*at) != "::" {
            return found.push(path);
        }
        *at += 1;
        if word(*at) == "{" {
            return add_paths(all, at, &path, found);
        }
    }
}

/// `{a::b, c::{d, e}}` begins with `a` and `c`, `a::b` with `a`.
fn first_segments(tokens: &[(usize, &str)]) -> Vec<String> {
    let Some((_, first)) = tokens.first() else { return Vec::new() };
    if *first != "{" {
        return vec![(*first).to_owned()];
    }
    let mut found = Vec::new();
    let mut depth = 0;
    let mut expected = false;
    for (_, token) in tokens {
        match *token {
            "{" => {
                depth += 1;
                expected = depth == 1;
            }
            "}" => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            "," => expected = depth == 1,
            name if expected => {
                found.push(name.to_owned());
                expected = false;
            }
            _ => {}
        }
    }
    found
}
