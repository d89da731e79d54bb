//! Why there is no connection, in words that say what to do.

use std::error::Error;

use reqwest::Url;
use rustls::CertificateError;

/// The error and its causes in one line, without the URL, which the caller adds.
pub(super) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words.push_str(": ");
        words.push_str(&inner.to_string());
        cause = inner.source();
    }
    words
}

/// The same with what it means, if it is known: the name, the certificate or the proxy.
pub(super) fn explained(error: reqwest::Error, url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let meaning = meaning(&error, host);
    let words = chain(error);
    match meaning {
        Some(meaning) => format!("{meaning} ({words})"),
        None => words,
    }
}

fn meaning(error: &reqwest::Error, host: &str) -> Option<String> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if text.starts_with("tunnel error") {
            return Some(format!(
                "the proxy from HTTPS_PROXY or ALL_PROXY gives no connection to {host}; check that it runs, or name \
                 {host} in NO_PROXY"
            ));
        }
        if text.starts_with("dns error") || text.starts_with("invalid dns name") {
            return Some(format!(
                "the name {host} cannot be resolved; check upstream.base_url and the name servers of this machine"
            ));
        }
        if let Some(tls) = tls(inner) {
            return Some(of_tls(tls, host));
        }
        cause = inner.source();
    }
    None
}

/// The TLS error that an error is or contains. An I/O error does not give its content as its source.
fn tls<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.downcast_ref().or_else(|| inner.and_then(|inner| tls(inner)))
}

fn of_tls(error: &rustls::Error, host: &str) -> String {
    let rustls::Error::InvalidCertificate(reason) = error else {
        return format!(
            "TLS with {host} failed; check that it is the right port and that no proxy changes the connection"
        );
    };
    match reason {
        CertificateError::UnknownIssuer => format!(
            "the certificate of {host} is from an authority that this machine does not trust; if it is your own, name its \
             file in upstream.ca_file"
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the certificate of {host} is for another name; check upstream.base_url")
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired; check the clock of this machine")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet; check the clock of this machine")
        }
        CertificateError::Revoked => format!("the certificate of {host} is revoked"),
        _ => format!("the certificate of {host} is not valid"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_refused_with_the_reason_and_the_way_out() {
        for (reason, words) in [
            (CertificateError::UnknownIssuer, "upstream.ca_file"),
            (CertificateError::NotValidForName, "for another name"),
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::Revoked, "is revoked"),
            (CertificateError::BadSignature, "is not valid"),
        ] {
            let inner = rustls::Error::InvalidCertificate(reason);
            let wrapped = std::io::Error::other(std::io::Error::other(inner));
            let message = of_tls(tls(&wrapped).expect("it is found inside"), "up.example");
            assert!(
                message.contains("the certificate of up.example") && message.contains(words),
                "{message}"
            );
        }
        let other = of_tls(&rustls::Error::HandshakeNotComplete, "up.example");
        assert!(other.contains("TLS with up.example failed"), "{other}");
        assert!(tls(&std::io::Error::other("refused")).is_none());
    }
}
