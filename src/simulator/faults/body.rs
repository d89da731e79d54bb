//! Bodies that differ from the truth in one way.

/// What every name begins with under [`Fault::HostileNames`](super::Fault::HostileNames), as JSON.
const HOSTILE: &str = r#"<script>alert(1)</script>\"'`=cmd|' /C calc'!A0\u202e\u0000\r\n../../../etc/passwd';DROP TABLE run;--"#;
/// Fields with names for people.
const NAMES: [&str; 5] = [
    r#""name":""#,
    r#""displayName":""#,
    r#""provider_display_name":""#,
    r#""region":""#,
    r#""provider_region":""#,
];
/// Numbers in place of those of the truth.
const NUMBERS: [&str; 4] = ["1e400", "123456789012345678901234567890", "-1e308", "9e18"];

/// The body with a hostile beginning of each name.
pub fn hostile(body: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(body).into_owned();
    let long = "x".repeat(1000);
    for name in NAMES {
        text = text.replace(name, &format!("{name}{HOSTILE}{long}"));
    }
    text.into_bytes()
}

/// The body with the first key of each object twice, first with null.
pub fn duplicated(body: &[u8]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(body.len() * 2);
    each(body, |piece, rest| {
        changed.extend_from_slice(piece);
        if piece == b"{" && rest.first() == Some(&b'"') {
            let end = rest.iter().skip(1).position(|byte| *byte == b'"').map_or(rest.len(), |end| end + 2);
            changed.extend_from_slice(&rest[..end]);
            changed.extend_from_slice(b":null,");
        }
    });
    changed
}

/// The body with other numbers.
pub fn huge_numbers(body: &[u8]) -> Vec<u8> {
    let (mut changed, mut count) = (Vec::with_capacity(body.len() * 2), 0);
    each(body, |piece, _| {
        if piece.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-') {
            changed.extend_from_slice(NUMBERS[count % NUMBERS.len()].as_bytes());
            count += 1;
        } else {
            changed.extend_from_slice(piece);
        }
    });
    changed
}

/// Calls `on` with each token of a JSON text (a string, a number, or one other byte) and what follows it.
fn each<'a>(body: &'a [u8], mut on: impl FnMut(&'a [u8], &'a [u8])) {
    let mut rest = body;
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => string(rest),
            b'-' | b'0'..=b'9' => {
                let is_number = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
                rest.iter().position(|byte| !is_number(byte)).unwrap_or(rest.len())
            }
            _ => 1,
        };
        let (piece, after) = rest.split_at(length);
        on(piece, after);
        rest = after;
    }
}

/// The length of the string that a text begins with.
fn string(text: &[u8]) -> usize {
    let mut escaped = false;
    for (at, byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"data":[{"name":"a \"{1}\" b","n":12.5,"m":-1e-7},{}]}"#;

    fn text(body: Vec<u8>) -> String {
        String::from_utf8(body).expect("text")
    }

    #[test]
    fn only_what_is_named_changes() {
        assert_eq!(
            text(duplicated(BODY)),
            r#"{"data":null,"data":[{"name":null,"name":"a \"{1}\" b","n":12.5,"m":-1e-7},{}]}"#
        );
        assert_eq!(
            text(huge_numbers(BODY)),
            r#"{"data":[{"name":"a \"{1}\" b","n":1e400,"m":123456789012345678901234567890},{}]}"#
        );
    }

    #[test]
    fn hostile_names_are_still_json() {
        let value: serde_json::Value = serde_json::from_slice(&hostile(BODY)).expect("JSON");
        let name = value["data"][0]["name"].as_str().expect("a name");
        assert!(name.starts_with("<script>") && name.ends_with(r#"a "{1}" b"#), "{name}");
    }
}
