//! Secrets of receivers: from files or environment variables, read for each delivery, never printed.

use crate::config::{Hidden, Receiver, read_text};
use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{NO_PAD, STANDARD};
use std::io;
use std::path::{Path, PathBuf};

/// Why a secret cannot be used. It names where the secret is, never the secret.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum SecretError {
    /// The file cannot be read.
    #[error("cannot read {what} from the file {path}: {source}")]
    File { what: &'static str, path: PathBuf, source: io::Error },
    /// The variable is not set.
    #[error("cannot read {what}: the environment variable {name} is not set")]
    Variable { what: &'static str, name: String },
    /// There is no text.
    #[error("{what} is empty in {place}")]
    Empty { what: &'static str, place: String },
    /// The secret is not one of Standard Webhooks.
    #[error(
        "{what} in {place} is not usable: expected `whsec_` and 24 to 64 bytes in base64, for example the output of `echo whsec_$(openssl rand -base64 32)`"
    )]
    Form { what: &'static str, place: String },
}

/// Where the secrets of a receiver are.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The receiver.
    pub receiver: &'a Receiver,
    /// The folder that paths are relative to.
    pub base: &'a Path,
}

impl Places<'_> {
    /// The URL of a webhook.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn url(&self) -> Result<String, SecretError> {
        let of = self.receiver;
        self.read("the URL", &of.url, &of.url_file, &of.url_env).map(|(text, _)| text)
    }

    /// The topic of ntfy.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn topic(&self) -> Result<String, SecretError> {
        let of = self.receiver;
        self.read("the topic", &of.topic, &of.topic_file, &of.topic_env).map(|(text, _)| text)
    }

    /// The access token of ntfy, if there is one.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn token(&self) -> Result<Option<String>, SecretError> {
        self.optional("the token", &self.receiver.token_file, &self.receiver.token_env)
    }

    /// The password of SMTP, if there is one.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn password(&self) -> Result<Option<String>, SecretError> {
        self.optional("the password", &self.receiver.password_file, &self.receiver.password_env)
    }

    /// The keys to sign with, the newest first.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn keys(&self) -> Result<Vec<Vec<u8>>, SecretError> {
        const WHAT: &str = "the signing secret";
        let of = self.receiver;
        let (text, place) = self.read(WHAT, &Hidden::default(), &of.secret_file, &of.secret_env)?;
        let keys: Option<Vec<Vec<u8>>> = text.split_whitespace().map(key).collect();
        keys.ok_or(SecretError::Form { what: WHAT, place })
    }

    fn optional(&self, what: &'static str, file: &str, env: &str) -> Result<Option<String>, SecretError> {
        if file.is_empty() && env.is_empty() {
            return Ok(None);
        }
        self.read(what, &Hidden::default(), file, env).map(|(text, _)| Some(text))
    }

    /// The secret without spaces around it, and where it is.
    fn read(
        &self,
        what: &'static str,
        inline: &Hidden,
        file: &str,
        env: &str,
    ) -> Result<(String, String), SecretError> {
        let (text, place) = if !inline.is_empty() {
            (inline.expose().to_owned(), "the settings".to_owned())
        } else if !file.is_empty() {
            let path = self.base.join(file);
            let text =
                read_text(&path).map_err(|source| SecretError::File { what, path: path.clone(), source })?;
            (text, path.display().to_string())
        } else {
            let missing = |_| SecretError::Variable { what, name: env.to_owned() };
            (std::env::var(env).map_err(missing)?, env.to_owned())
        };
        match text.trim() {
            "" => Err(SecretError::Empty { what, place }),
            text => Ok((text.to_owned(), place)),
        }
    }
}

/// The bytes of a secret of Standard Webhooks; `None` if it is not one.
fn key(text: &str) -> Option<Vec<u8>> {
    let encoded = text.strip_prefix("whsec_")?;
    let unpadded = GeneralPurpose::new(&base64::alphabet::STANDARD, NO_PAD);
    let bytes = STANDARD.decode(encoded).or_else(|_| unpadded.decode(encoded)).ok()?;
    (24..=64).contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_secret_is_24_to_64_bytes() {
        assert_eq!(key("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX").map(|key| key.len()), Some(24));
        assert_eq!(key("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX"), None);
        assert_eq!(key("whsec_AAEC"), None);
        assert_eq!(key("whsec_$$$$"), None);
    }
}
