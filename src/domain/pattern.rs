//! Patterns for names: a name, or a name with `*` for any characters, such as `deepseek/*`.

/// Whether a pattern matches a whole name. `*` means any number of characters, also none and also slashes; capitals
/// make no difference.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Whether a text is a pattern for several names.
pub fn is_pattern(text: &str) -> bool {
    text.contains('*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters_and_everything_else_for_itself() {
        for (pattern, name) in [
            ("deepseek/*", "deepseek/deepseek-v4"),
            ("*", ""),
            ("*/kimi-*", "moonshotai/kimi-k2.6:free"),
            ("a*b*c", "aXbYbc"),
            ("A/B", "a/b"),
            ("**", "x"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("deepseek/*", "x/deepseek/y"),
            ("", "a"),
            ("a", "ab"),
            ("a*ab", "ab"),
            ("a*", "ba"),
            ("*b*c", "acb"),
            ("a.c", "abc"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(is_pattern("a/*") && !is_pattern("a/b"));
    }
}
