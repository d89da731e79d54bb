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
    limited(File::open(path).map_err(|error| named(path, error))?)
}

/// The same of a file that is read again and again: a pipe or a device in its place is refused, because reading it could
/// wait for ever.
///
/// # Errors
/// As [`read_text`], and if it is not a file or a link to one.
pub fn read_file_text(path: &Path) -> io::Result<String> {
    let kind = path.metadata().map_err(|error| named(path, error))?;
    if !kind.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    read_text(path)
}

/// The error of a file that cannot be opened; of a link, it names where it leads.
fn named(path: &Path, error: io::Error) -> io::Error {
    match path.read_link() {
        Ok(target) => io::Error::new(error.kind(), format!("it is a link to {}: {error}", target.display())),
        Err(_) => error,
    }
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
    #[cfg(unix)]
    fn only_files_and_links_to_files_are_read_again_and_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, link, lost) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        std::fs::write(&file, "text").expect("written");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        std::os::unix::fs::symlink("/nowhere/hitrate.toml", &lost).expect("linked");
        assert_eq!(read_file_text(&link).expect("a link to a file"), "text");
        let error = read_file_text(&lost).expect_err("it leads nowhere").to_string();
        assert!(error.contains("a link to /nowhere/hitrate.toml"), "{error}");
        for other in [folder.path(), Path::new("/dev/zero")] {
            assert!(read_file_text(other).expect_err("not a file").to_string().contains("not a file"));
        }
    }

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
