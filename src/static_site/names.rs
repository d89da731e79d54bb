//! Names of files and folders that are valid in every file system and address, and unique for each original name.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Longest name that is written out, in bytes; file systems allow 255, and an extension follows.
const LONGEST: usize = 160;
/// Number of bytes of a longer name that are kept before its hash.
const HEAD: usize = 96;
/// Extensions of the generated files; no folder name ends in one.
const ENDINGS: [&str; 5] = ["html", "json", "csv", "svg", "png"];
/// Names that Windows reserves for devices, whatever follows a dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// A name as part of a path: lowercase letters, digits, `-`, `_` and `.` stay; every other byte becomes `~` and two
/// hexadecimal digits. This includes capital letters, because some file systems are case-insensitive. Different names
/// stay different: `~` itself is escaped too, and a name that is too long ends in `~~` and a hash of the whole name.
pub fn safe(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let stays = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => at > 0 || !is_device(name),
            b'_' => at > 0,
            b'.' => at > 0 && at + 1 < name.len() && !ENDINGS.contains(&&name[at + 1..]),
            _ => false,
        };
        if stays {
            text.push(byte as char);
        } else {
            // Writing to a String cannot fail.
            _ = write!(text, "~{byte:02x}");
        }
    }
    match text.len() {
        0 => "~".to_owned(),
        length if length > LONGEST => shortened(&text, name),
        _ => text,
    }
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let plain = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    DEVICES.contains(&plain) && stem.len() <= plain.len() + 1
}

fn shortened(text: &str, name: &str) -> String {
    let mut short = format!("{}~~", &text[..HEAD]);
    for byte in Sha256::digest(name.as_bytes()).iter().take(16) {
        _ = write!(short, "{byte:02x}");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_stay_and_others_are_spelled() {
        for (name, expected) in [
            ("kimi-k2.6_x", "kimi-k2.6_x"),
            ("bolt:free", "bolt~3afree"),
            ("Bolt", "~42olt"),
            ("a~b", "a~7eb"),
            ("..", "~2e~2e"),
            (".git", "~2egit"),
            ("_layouts", "~5flayouts"),
            ("a.json", "a~2ejson"),
            ("a.json.x", "a.json.x"),
            ("con", "~63on"),
            ("con.x", "~63on.x"),
            ("com1", "~63om1"),
            ("console", "console"),
            ("", "~"),
            ("ä", "~c3~a4"),
            ("a b?c#d%2f", "a~20b~3fc~23d~252f"),
        ] {
            assert_eq!(safe(name), expected, "{name}");
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let (one, other) = ("x".repeat(300), format!("{}y", "x".repeat(299)));
        assert_ne!(safe(&one), safe(&other));
        assert!(safe(&one).len() <= LONGEST);
        assert!(safe(&"界".repeat(100)).len() <= LONGEST);
    }

    proptest! {
        #[test]
        fn different_names_are_different_files(one in "\\PC{0,90}", other in "\\PC{0,90}") {
            prop_assert_eq!(safe(&one) == safe(&other), one == other);
        }

        #[test]
        fn a_name_is_one_part_of_a_path_and_needs_no_escape(name in "\\PC{0,200}") {
            let safe = safe(&name);
            prop_assert!(safe.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.~".contains(&b)));
            prop_assert!(!safe.is_empty() && safe.len() <= LONGEST && !safe.starts_with('.') && !safe.ends_with('.'));
        }
    }
}
