//! The token of the private listener: from the environment, a file, or a file that is generated in the data folder.

use crate::config::read_text;
use crate::secret::is_same;
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The environment variable that overrides the token file.
pub const VARIABLE: &str = "HITRATE_PRIVATE_TOKEN";
/// Name of the generated file in the data folder.
const FILE: &str = "private-token";
/// Minimum length of a token, characters.
const SHORTEST: usize = 16;
/// Minimum length of a token if other machines can reach the listener, characters.
const SHORTEST_REMOTE: usize = 32;

/// Errors of the token.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum TokenError {
    /// The file cannot be read.
    #[error("cannot read the token file {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    /// The generated file cannot be written.
    #[error("cannot write the token file {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
    /// The token is too short.
    #[error(
        "the token of {place} has {length} characters; expected at least {least} without spaces, for example the output of `openssl rand -hex 32`"
    )]
    Short { place: String, length: usize, least: usize },
}

/// A token and where it is from. Its value is never printed or logged.
#[derive(Clone)]
pub struct Token {
    digest: [u8; 32],
    place: String,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Token {
    /// The token for a listener: the value of [`VARIABLE`] if it is set, otherwise the content of `file` (relative to the
    /// data folder), otherwise the content of `private-token` in the data folder, which is generated if it does not exist.
    ///
    /// # Errors
    /// [`TokenError`], also if the token is too short for the address.
    pub fn load(
        variable: Option<String>,
        file: &str,
        data: &Path,
        address: IpAddr,
    ) -> Result<Self, TokenError> {
        let least = if address.is_loopback() { SHORTEST } else { SHORTEST_REMOTE };
        if let Some(value) = variable.filter(|value| !value.trim().is_empty()) {
            return Self::checked(&value, VARIABLE.to_owned(), least);
        }
        let path = if file.trim().is_empty() { data.join(FILE) } else { data.join(file.trim()) };
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.trim().is_empty() => {
                generate(&path).map_err(|source| TokenError::Write { path: path.clone(), source })?
            }
            Err(source) => return Err(TokenError::Read { path, source }),
        };
        Self::checked(&text, path.display().to_string(), least)
    }

    fn checked(text: &str, place: String, least: usize) -> Result<Self, TokenError> {
        let text = text.trim();
        let length = text.chars().count();
        if length < least || text.contains(char::is_whitespace) {
            return Err(TokenError::Short { place, length, least });
        }
        Ok(Self { digest: Sha256::digest(text.as_bytes()).into(), place })
    }

    /// Where the token is: the path of its file, or the name of the environment variable.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Whether a text is the token. The time does not depend on the text: the digests are compared as a whole.
    pub fn is(&self, text: &str) -> bool {
        is_same(&self.digest, &Sha256::digest(text.as_bytes()))
    }
}

/// A random text of 256 bits, in hexadecimal.
pub(super) fn random() -> String {
    let (one, two): (u128, u128) = (rand::random(), rand::random());
    format!("{one:032x}{two:032x}")
}

/// Writes a new token into a file that only its owner can read. If another process was faster, its token counts.
fn generate(path: &Path) -> io::Result<String> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = random();
    match super::files::create_new(path) {
        Ok(mut file) => {
            writeln!(file, "{text}")?;
            file.sync_all()?;
            Ok(text)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::fs::read_to_string(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn it_is_generated_once_and_readable_by_its_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let token = Token::load(None, "", folder.path(), LOOPBACK).expect("generated");
        let text = std::fs::read_to_string(folder.path().join(FILE)).expect("a file");
        assert!(token.is(text.trim()) && !token.is("") && !token.is(&text.trim()[1..]));
        assert!(Token::load(None, "", folder.path(), LOOPBACK).expect("read").is(text.trim()));
        assert!(!format!("{token:?}").contains(text.trim()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_short_one_is_refused_and_other_machines_need_a_longer_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let load = |text: &str, ip: &str| {
            Token::load(Some(text.to_owned()), "", folder.path(), ip.parse().expect("an address"))
        };
        assert!(load("0123456789abcdef", "127.0.0.1").is_ok());
        assert!(load("0123456789abcde", "127.0.0.1").is_err());
        assert!(load("0123456789abcdef 0123456789abcdef", "127.0.0.1").is_err());
        let error = load("0123456789abcdef", "0.0.0.0").expect_err("too short").to_string();
        assert!(error.contains(VARIABLE) && !error.contains("0123456789abcdef"), "{error}");
        assert!(load(&random(), "0.0.0.0").is_ok());
        let missing = Token::load(None, "no-such-file", folder.path(), LOOPBACK);
        assert!(matches!(missing, Err(TokenError::Read { .. })), "a named file is never generated");
    }
}
