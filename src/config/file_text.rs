//! Reading the files that a user writes by hand.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Maximum size of such a file, bytes.
pub const LARGEST_TEXT: u64 = 4 << 20;

/// Reads a text that a user wrote: settings, workloads, plans, scores, SQL or a secret.
///
/// # Errors
/// If it cannot be read, is not UTF-8, or is larger than [`LARGEST_TEXT`]; reading stops there, also for a device
/// without an end.
pub fn read_text(path: &Path) -> io::Result<String> {
    limited(File::open(path)?)
}

/// The same of an open file, for example standard input.
///
/// # Errors
/// See [`read_text`].
pub fn limited(source: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let read = source.take(LARGEST_TEXT + 1).read_to_string(&mut text);
    if read.as_ref().map_or(text.len() as u64, |bytes| *bytes as u64) > LARGEST_TEXT {
        let detail = format!("it is larger than {} MiB, the limit for such a file", LARGEST_TEXT >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, detail));
    }
    read.map(|_| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_a_largest_size() {
        let most = vec![b'a'; LARGEST_TEXT as usize];
        assert_eq!(limited(&most[..]).expect("read").len(), most.len());
        let error = limited(io::repeat(b'a')).expect_err("it has no end");
        assert!(error.to_string().contains("4 MiB"), "{error}");
        assert!(limited(&b"\xff"[..]).is_err());
        assert_eq!(limited(&b""[..]).expect("read"), "");
    }
}
