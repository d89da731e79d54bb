//! The last pass over the text of a page: removes characters that are never sent to a reader (invisible ones that change
//! how the rest of a text is read), and keeps numbers and their units on one line.

use super::format::THIN;

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

/// Elements whose text is copied or typed as it is: their spaces stay.
const VERBATIM: [&str; 4] = ["pre", "code", "textarea", "option"];

/// A page in which no line breaks between a number and its percent sign: such a space becomes a narrow one that does not
/// break. Attributes and text to be copied stay as they are.
pub fn unbroken(html: String) -> String {
    if !html.contains(" %") {
        return html;
    }
    let mut out = String::with_capacity(html.len() + html.len() / 64);
    // The verbatim element that the place is in, if any; they do not contain each other.
    let mut inside: Option<&str> = None;
    for piece in html.split_inclusive('>') {
        let (text, tag) = piece.split_at(piece.find('<').unwrap_or(piece.len()));
        match inside {
            None => push_unbroken(&mut out, text),
            Some(_) => out.push_str(text),
        }
        out.push_str(tag);
        let name = |tag: &str| tag.split([' ', '>', '/']).next().map(str::to_owned).unwrap_or_default();
        match (inside, tag.strip_prefix("</"), tag.strip_prefix('<')) {
            (Some(open), Some(closed), _) if name(closed) == open => inside = None,
            (None, None, Some(opened)) => {
                inside = VERBATIM.into_iter().find(|verbatim| *verbatim == name(opened));
            }
            _ => {}
        }
    }
    out
}

fn push_unbroken(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(" %") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push_str(if before.ends_with(|c: char| c.is_ascii_digit()) { THIN } else { " " });
        rest = &after[1..];
    }
    out.push_str(rest);
}

/// The text of a page as it is sent.
pub fn page(text: String) -> String {
    unbroken(clean(text))
}

#[cfg(test)]
mod tests {
    use super::{clean, unbroken};

    #[test]
    fn a_number_and_its_percent_sign_stay_together_in_text_alone() {
        let page = "<p title=\"5 %\">costs 22 % more, a % b</p><pre data-copy>x = 5 % 2</pre><p>0.5 %</p>\
                    <p><code>5 %</code> 6 %</p>";
        let expected = "<p title=\"5 %\">costs 22\u{202f}% more, a % b</p><pre data-copy>x = 5 % 2</pre>\
                        <p>0.5\u{202f}%</p><p><code>5 %</code> 6\u{202f}%</p>";
        assert_eq!(unbroken(page.to_owned()), expected);
        assert_eq!(unbroken("<p>plain</p>".to_owned()), "<p>plain</p>");
    }

    #[test]
    fn what_cannot_be_seen_goes_and_what_scripts_need_stays() {
        let kept = "a\tb\nc\u{a0}\u{202f}é \u{645} \u{1f469}\u{200d}\u{1f52c} \u{200c}";
        assert_eq!(clean(kept.to_owned()), kept);
        let hostile =
            "\u{0}a\u{1}\r\u{7f}\u{85}\u{202e}b\u{2066}\u{2069}\u{200b}\u{feff}\u{2028}\u{fffe}c\u{61c}";
        assert_eq!(clean(hostile.to_owned()), "abc");
    }
}
