//! Addresses in the settings: of the upstream, of this site, and to listen at.

use super::ConfigError;
use url::Url;

/// Checks the URL of a server. It may have a path. Pages, files and logs show it, so it must not have a password.
///
/// # Errors
/// [`ConfigError::Value`] with `key`, and never with a user or a password.
pub fn server_url(key: &'static str, text: &str) -> Result<(), ConfigError> {
    let wrong = |detail: String| {
        Err(ConfigError::Value {
            key,
            detail: format!("{detail}; expected an http or https URL, such as https://example.org"),
        })
    };
    // The parser would leave some of them out.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || "\"<>".contains(c)) {
        return wrong("the URL has spaces or characters that no URL has".to_owned());
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => return wrong(format!("this cannot be read as a URL ({error})")),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("the URL has a user or a password, which pages and files would show".to_owned());
    }
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return wrong(format!("`{text}` is not the URL of a server"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(format!("`{text}` has a query or a fragment"));
    }
    Ok(())
}

/// Checks what the header `User-Agent` states as contact: an address of the web or of email.
///
/// # Errors
/// [`ConfigError::Value`].
pub(super) fn contact(key: &'static str, text: &str) -> Result<(), ConfigError> {
    let wrong = |detail: &str| {
        Err(ConfigError::Value {
            key,
            detail: format!("{detail}; expected a URL or an email address, such as https://example.org/bot"),
        })
    };
    if !text.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return wrong("it has characters that a header cannot have");
    }
    match Url::parse(text) {
        Ok(url) if url.password().is_some() => {
            wrong("the URL has a password, which every request would send")
        }
        _ => Ok(()),
    }
}

/// Checks an address to listen at, in the form `HOST:PORT`.
///
/// # Errors
/// [`ConfigError::Value`].
pub(super) fn listen(key: &'static str, text: &str) -> Result<(), ConfigError> {
    let parts = text.trim().rsplit_once(':');
    if parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        return Ok(());
    }
    let detail = format!("`{text}` is not allowed; expected HOST:PORT, such as 127.0.0.1:8080");
    Err(ConfigError::Value { key, detail })
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use std::path::Path;

    fn read(section: &str, line: &str) -> Result<Config, String> {
        let text = format!("[{section}]\n{line}\n");
        Config::parse(&text, Path::new("hitrate.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_that_cannot_work_are_refused_with_their_setting() {
        for (section, key, values) in [
            (
                "upstream",
                "base_url",
                &[
                    "",
                    "upstream.example",
                    "https://",
                    "https://a b",
                    "http://[::1",
                    "https://x/?a=1",
                    "https://x/#b",
                    "ftp://x",
                    "https://x:99999",
                ][..],
            ),
            ("upstream", "contact_url", &["a\\nX-Evil: 1", "ü", "https://a:b@example.org"]),
            ("serve", "public_url", &["x", "https://a b", "https://x/?q", "https://<x>"]),
            ("serve", "listen", &["", "0.0.0.0", "127.0.0.1:", ":8080", "127.0.0.1:70000"]),
            ("private", "listen", &["8088", "[::1]"]),
        ] {
            for value in values {
                let message = read(section, &format!("{key} = \"{value}\"")).expect_err(value);
                assert!(message.contains(&format!("`{section}.{key}`")), "{value}: {message}");
                assert!(message.contains("expected") && !message.contains('\n'), "{value}: {message}");
            }
        }
    }

    #[test]
    fn a_password_in_an_address_is_refused_and_not_repeated() {
        for (section, key) in [("upstream", "base_url"), ("serve", "public_url"), ("upstream", "contact_url")]
        {
            let message = read(section, &format!("{key} = \"https://user:verysecret@example.org\""));
            let message = message.expect_err(key);
            assert!(message.contains("password") && !message.contains("verysecret"), "{message}");
            assert!(!message.contains("user:"), "{message}");
        }
    }

    #[test]
    fn usual_addresses_are_valid() {
        for (section, key, values) in [
            (
                "upstream",
                "base_url",
                &["https://upstream.example", "http://127.0.0.1:4000", "http://[::1]:80/api/"][..],
            ),
            (
                "upstream",
                "contact_url",
                &["", "https://example.org/bot?x=1", "mailto:me@example.org", "me@example.org"],
            ),
            ("serve", "public_url", &["", "https://tiers.example.org", "https://example.org/hitrate/"]),
            ("serve", "listen", &["127.0.0.1:0", "[::]:8080", "localhost:8080"]),
            ("private", "listen", &["", " 127.0.0.1:8088 "]),
        ] {
            for value in values {
                read(section, &format!("{key} = \"{value}\"")).expect(value);
            }
        }
    }
}
