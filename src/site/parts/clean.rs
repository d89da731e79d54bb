//! Removes characters that are never sent to a reader: invisible ones that change how the rest of a text is read.

/// Whether a character is removed from pages and pictures: controls except tab and line feed (errors in HTML, mostly
/// not allowed in XML), characters that change the direction of the text around them (UAX #9, section 2), zero-width
/// spaces, and noncharacters. Joiners stay because scripts and emoji need them.
fn is_left_out(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' => true,
        _ => matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}'),
    }
}

/// The text without these characters; the API keeps names as the upstream sent them.
pub fn clean(mut text: String) -> String {
    if text.contains(is_left_out) {
        text.retain(|c| !is_left_out(c));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn what_cannot_be_seen_goes_and_what_scripts_need_stays() {
        let kept = "a\tb\nc\u{a0}\u{202f}é \u{645} \u{1f469}\u{200d}\u{1f52c} \u{200c}";
        assert_eq!(clean(kept.to_owned()), kept);
        let hostile =
            "\u{0}a\u{1}\r\u{7f}\u{85}\u{202e}b\u{2066}\u{2069}\u{200b}\u{feff}\u{2028}\u{fffe}c\u{61c}";
        assert_eq!(clean(hostile.to_owned()), "abc");
    }
}
