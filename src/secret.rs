//! Compares secrets in constant time.

use subtle::ConstantTimeEq;

/// Whether two texts are the same. The time depends on their lengths, not on their content.
pub fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn equal_texts_are_the_same_and_no_others() {
        assert!(is_same(b"0123", b"0123") && is_same(b"", b""));
        for other in [&b"0124"[..], b"1123", b"012", b"01234", b""] {
            assert!(!is_same(b"0123", other));
        }
    }
}
