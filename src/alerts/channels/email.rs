//! Email by SMTP: text and HTML, to an address that was checked before.

use super::message::Message;
use super::outcome::{Effect, SendFailure};
use super::plain::line;
use crate::config::{Receiver, SmtpTls};
use crate::fetch::allowed_addresses;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// Longest wait for one step of the exchange.
const STEP: Duration = Duration::from_secs(10);
/// Longest time of the whole exchange.
const WHOLE: Duration = Duration::from_secs(60);

/// An email that is ready to be sent.
pub struct Email {
    message: lettre::Message,
}

impl Email {
    /// The email of a message. All texts of the upstream are single lines and encoded, so none can add a header.
    ///
    /// # Errors
    /// If an address of the settings is invalid.
    pub fn new(receiver: &Receiver, message: &Message) -> Result<Self, String> {
        let from = mailbox("from", &receiver.from)?;
        let domain = from.email.domain().to_owned();
        let title = message.title();
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut builder = lettre::Message::builder()
            .from(from)
            .subject(line(&format!("[hitrate] {title}"), 160))
            .date(SystemTime::from(message.created_at))
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        for to in &receiver.to {
            builder = builder.to(mailbox("to", to)?);
        }
        let parts = MultiPart::alternative()
            .singlepart(SinglePart::plain(text(message)))
            .singlepart(SinglePart::html(html(message)));
        let made = builder.multipart(parts).map_err(|error| format!("cannot write the email: {error}"))?;
        Ok(Self { message: made })
    }

    /// The email as it is sent.
    pub fn formatted(&self) -> String {
        String::from_utf8_lossy(&self.message.formatted()).into_owned()
    }

    /// Sends it. The server's host is resolved once, and its addresses are checked as those of webhooks are.
    ///
    /// # Errors
    /// [`SendFailure`] with the server's reply code, if there was one.
    pub async fn send(self, receiver: &Receiver, password: Option<String>) -> Result<u16, SendFailure> {
        let usual = match receiver.tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Tls => 465,
            SmtpTls::None => 25,
        };
        let port = receiver.port.unwrap_or(usual);
        let found = allowed_addresses(&receiver.host, port, receiver.allow_private, STEP).await;
        let addresses = found.map_err(SendFailure::without_response)?;
        if receiver.tls == SmtpTls::None && addresses.iter().any(|address| !address.ip().is_loopback()) {
            let words = "`tls = \"none\"` is only for a server on this machine; use \"starttls\" or \"tls\"";
            return Err(SendFailure::without_response(words));
        }
        let mut last = SendFailure::without_response("the host has no address");
        for address in addresses {
            match self.send_to(receiver, password.as_deref(), &address.ip().to_string(), port).await {
                // Another address may work only if this one could not be reached.
                Err(failure) if failure.status.is_none() => last = failure,
                answer => return answer,
            }
        }
        Err(last)
    }

    async fn send_to(
        &self,
        receiver: &Receiver,
        password: Option<&str>,
        ip: &str,
        port: u16,
    ) -> Result<u16, SendFailure> {
        // The certificate must be that of the host, not of the address.
        let verified = || TlsParameters::new(receiver.host.clone()).map_err(SendFailure::without_response);
        let tls = match receiver.tls {
            SmtpTls::Starttls => Tls::Required(verified()?),
            SmtpTls::Tls => Tls::Wrapper(verified()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(ip)
            .port(port)
            .tls(tls)
            .timeout(Some(STEP));
        if let Some(password) = password.filter(|_| !receiver.user.is_empty()) {
            builder = builder.credentials(Credentials::new(receiver.user.clone(), password.to_owned()));
        }
        let sent =
            tokio::time::timeout(WHOLE, builder.build::<Tokio1Executor>().send(self.message.clone())).await;
        match sent {
            Ok(Ok(response)) => Ok(u16::from(response.code())),
            Ok(Err(error)) => Err(failure(&error)),
            Err(_) => Err(SendFailure::without_response("the SMTP server did not respond in time")),
        }
    }
}

fn failure(error: &lettre::transport::smtp::Error) -> SendFailure {
    let status = error.status().map(u16::from);
    let mut detail = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        detail = format!("{detail}: {inner}");
        cause = inner.source();
    }
    // 4yz asks to try again, for example after greylisting; 552 and 554 refuse this message.
    let effect = match status {
        Some(400..=499) => Effect::Busy,
        Some(552 | 554) => Effect::Refused,
        _ => Effect::Failed,
    };
    SendFailure { status, detail: line(&detail, 300), retry_after: None, effect }
}

fn mailbox(key: &str, text: &str) -> Result<Mailbox, String> {
    text.parse()
        .map_err(|error| format!("`{key}` is not an address such as \"Name <name@example.org>\": {error}"))
}

fn text(message: &Message) -> String {
    let mut out = format!("{}\r\n", message.title());
    let shown = message.shown();
    for notice in &shown {
        if shown.len() > 1 {
            let _ = write!(out, "\r\n{} ({})\r\n", notice.title, notice.severity);
        }
        for line in &notice.lines {
            let _ = write!(out, "- {line}\r\n");
        }
        if let Some(url) = notice.url {
            let _ = write!(out, "{url}\r\n");
        }
    }
    let _ = write!(out, "\r\n-- \r\nSent by hitrate. Rules: {}\r\n", rules(message));
    out
}

fn html(message: &Message) -> String {
    let shown = message.shown();
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title></head><body><h1 style=\"font-size:18px\">{0}</h1>",
        escape(&message.title())
    );
    for notice in &shown {
        if shown.len() > 1 {
            let _ = write!(
                out,
                "<h2 style=\"font-size:15px\">{} ({})</h2>",
                escape(&notice.title),
                notice.severity
            );
        }
        if !notice.lines.is_empty() {
            let items: Vec<String> =
                notice.lines.iter().map(|line| format!("<li>{}</li>", escape(line))).collect();
            let _ = write!(out, "<ul>{}</ul>", items.concat());
        }
        if let Some(url) = notice.url {
            let _ = write!(out, "<p><a href=\"{}\">Open the page</a></p>", escape(url));
        }
    }
    let _ = write!(
        out,
        "<p style=\"color:#666\">Sent by hitrate. Rules: {}</p></body></html>",
        escape(&rules(message))
    );
    out
}

/// The names of the rules, each once.
fn rules(message: &Message) -> String {
    let names: std::collections::BTreeSet<String> =
        message.notices.iter().map(|notice| line(&notice.rule, 64)).collect();
    line(&names.into_iter().collect::<Vec<_>>().join(", "), 300)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
