//! Pagination: `limit` entries after the entry that `cursor` identifies.

use super::problem::Problem;

/// Default number of entries per page.
pub(super) const DEFAULT_LIMIT: u32 = 100;
/// Maximum number of entries per page.
pub(super) const MAX_LIMIT: u32 = 500;

/// Cuts a page out of a list, and returns it with the cursor of the next page. `key` identifies an entry uniquely. A cursor is the key of the last entry in hex, so that
/// a new snapshot between two pages does not shift the next page.
///
/// # Errors
/// 400 for a limit outside 1..=500, and for a cursor that does not identify an entry of the list.
pub(super) fn page<T>(
    list: impl Iterator<Item = T>,
    limit: Option<u32>,
    cursor: Option<&str>,
    key: impl Fn(&T) -> String,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request(format!("invalid `limit` {limit}; expected 1 to {MAX_LIMIT}")));
    }
    let mut list = list.peekable();
    if let Some(cursor) = cursor {
        let last = decode(cursor).ok_or_else(bad_cursor)?;
        list.find(|entry| key(entry) == last).ok_or_else(bad_cursor)?;
    }
    let entries: Vec<T> = list.by_ref().take(limit as usize).collect();
    let next_cursor = list.peek().and(entries.last()).map(|entry| encode(&key(entry)));
    Ok((entries, next_cursor))
}

fn bad_cursor() -> Problem {
    Problem::bad_request(
        "`cursor` does not match an entry of this list; pass `meta.next_cursor` of the previous page with the same \
         filters, or start again without a cursor",
    )
}

fn encode(key: &str) -> String {
    key.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(cursor: &str) -> Option<String> {
    let digits = cursor.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes: Option<Vec<u8>> =
        digits.chunks_exact(2).map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?)).collect();
    String::from_utf8(bytes?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_put_together_are_the_list() {
        let list: Vec<String> = (0..25).map(|number| format!("entry-{number}")).collect();
        let (mut seen, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..3 {
            let next = page(list.iter(), Some(10), cursor.as_deref(), |entry| (*entry).clone());
            let (entries, next) = next.unwrap_or_else(|problem| panic!("{}", problem.detail));
            seen.extend(entries.into_iter().cloned());
            cursor = next;
        }
        assert_eq!((seen, cursor), (list, None));
    }

    #[test]
    fn junk_is_refused() {
        let refused =
            |limit, cursor| page(["a"].iter(), limit, cursor, |entry| (*entry).to_string()).is_err();
        assert!(refused(Some(0), None) && refused(Some(501), None) && refused(Some(u32::MAX), None));
        for cursor in ["", "6", "zz", "ff", "62", "é1", "+1"] {
            assert!(refused(None, Some(cursor)), "{cursor}");
        }
    }
}
