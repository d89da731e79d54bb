//! The shape of a JSON text, checked before anything is built from it: a small body can become a large tree.

/// Deepest nesting of a document. Real ones have fewer than ten levels.
const MOST_LEVELS: usize = 64;
/// Maximum number of values of a document. Real ones have fewer than a hundred thousand.
const MOST_VALUES: usize = 1_000_000;

/// Why a text is refused by its shape; `None` if its shape is fine. The text need not be valid JSON.
pub fn refusal(json: &[u8]) -> Option<String> {
    let (mut level, mut values) = (0_usize, 1_usize);
    let mut rest = json.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => skip_string(&mut rest),
            b'[' | b'{' => {
                level += 1;
                values += 1;
                if level > MOST_LEVELS {
                    return Some(format!("nested more than {MOST_LEVELS} levels deep"));
                }
            }
            b']' | b'}' => level = level.saturating_sub(1),
            b',' => values += 1,
            _ => continue,
        }
        if values > MOST_VALUES {
            return Some(format!("more than {MOST_VALUES} values"));
        }
    }
    None
}

/// Moves behind the end of a string.
fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                rest.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(refusal(nested(MOST_LEVELS).as_bytes()), None);
        let deep = refusal(nested(MOST_LEVELS + 1).as_bytes()).expect("too deep");
        assert!(deep.contains("64 levels"), "{deep}");
        assert!(refusal(br#"{"a":"#.repeat(1_000_000).as_slice()).is_some());
        let wide = |values: usize| format!("[{}]", vec!["0"; values].join(","));
        assert_eq!(refusal(wide(MOST_VALUES - 2).as_bytes()), None);
        let many = refusal(wide(MOST_VALUES + 1).as_bytes()).expect("too many");
        assert!(many.contains("1000000 values"), "{many}");
    }

    #[test]
    fn brackets_in_strings_are_text() {
        let text = format!(r#"{{"a":"{}","b\\\"{}":1}}"#, "[".repeat(1000), "{,".repeat(1000));
        assert_eq!(refusal(text.as_bytes()), None);
        assert_eq!(refusal(br#""not closed [[["#), None);
    }
}
