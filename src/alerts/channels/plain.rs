//! Texts of the upstream made harmless: one line, no invisible characters, a limited length.

/// Whether a character changes how the text around it is read without being seen: controls, marks of direction, zero-width
/// characters, noncharacters and private tags.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// The text as one line of at most `most` characters; what is longer ends with `…`.
pub fn line(text: &str, most: usize) -> String {
    let spaced = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c });
    let seen: String = spaced.filter(|c| !is_unseen(*c)).collect();
    let words: Vec<&str> = seen.split(' ').filter(|word| !word.is_empty()).collect();
    short(&words.join(" "), most)
}

/// The text with at most `most` characters; what is longer ends with `…`.
pub fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    kept
}

/// The text with at most `most` bytes of UTF-8; what is longer ends with `…`.
pub fn short_bytes(text: &str, most: usize) -> String {
    const END: &str = "…";
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most.saturating_sub(END.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{END}", &text[..end])
}

/// The URL if it is one that a message may link to: `http` or `https` and only characters of URLs.
pub fn link(url: Option<&str>) -> Option<&str> {
    let is_plain =
        |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}');
    url.filter(|url| url.starts_with("https://") || url.starts_with("http://"))
        .filter(|url| url.len() <= 1000 && url.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unseen_is_gone_and_the_rest_is_one_line() {
        assert_eq!(line("a\r\nBcc: x\u{202e}b\u{200b}c\u{0}\u{1b}[31m", 99), "a Bcc: xbc[31m");
        assert_eq!(line("  one   two  ", 99), "one two");
        assert_eq!(line("abcdef", 4), "abc…");
        assert_eq!(short_bytes("äääää", 8), "ää…");
        assert_eq!(short_bytes("ä", 2), "ä");
    }

    #[test]
    fn only_a_web_address_is_a_link() {
        assert_eq!(link(Some("https://e.example/a?b=c#d")), Some("https://e.example/a?b=c#d"));
        for hostile in ["javascript:alert(1)", "https://e/ a", "https://e/\"onx", "https://e/|x>", "//e"] {
            assert_eq!(link(Some(hostile)), None, "{hostile}");
        }
    }
}
