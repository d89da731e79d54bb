//! The kinds of receivers: what each is sent, and how. One file for each kind.

pub mod discord;
pub mod email;
pub mod message;
pub mod ntfy;
pub mod outcome;
pub mod plain;
pub mod secrets;
pub mod slack;
pub mod teams;
pub mod webhook;

use crate::config::{MASK, Receiver, ReceiverKind};
use crate::fetch::{PostRequest, post};
use chrono::{DateTime, Utc};
use email::Email;
use message::Message;
use outcome::{SendFailure, of_http};
use secrets::Places;
use serde::Serialize;
use std::path::Path;

/// What would be sent, with secrets masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// Name of the receiver.
    pub receiver: String,
    /// Its kind.
    pub kind: &'static str,
    /// Where it would go: scheme and host alone.
    pub to: String,
    /// The headers of HTTP; for email, they are in the body.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Sends messages to receivers.
#[derive(Debug, Clone, Copy)]
pub struct Sender<'a> {
    /// The folder that the paths of secrets are relative to.
    pub base: &'a Path,
    /// The `User-Agent` of HTTP.
    pub user_agent: &'a str,
}

impl Sender<'_> {
    /// Sends a message once and returns the status of the response.
    ///
    /// # Errors
    /// [`SendFailure`], without path, query or secret.
    pub async fn send(
        &self,
        receiver: &Receiver,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<u16, SendFailure> {
        if receiver.kind == ReceiverKind::Email {
            let email = Email::new(receiver, message).map_err(SendFailure::without_response)?;
            let password = self.places(receiver).password().map_err(SendFailure::without_response)?;
            return email.send(receiver, password).await;
        }
        let request = self.request(receiver, message, now).map_err(SendFailure::without_response)?;
        of_http(post(request, receiver.allow_private, now).await)
    }

    /// What would be sent, with secrets masked.
    ///
    /// # Errors
    /// If a secret or an address of the settings cannot be used.
    pub fn preview(
        &self,
        receiver: &Receiver,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<Preview, String> {
        let (to, headers, body) = if receiver.kind == ReceiverKind::Email {
            self.places(receiver).password().map_err(|error| error.to_string())?;
            let email = Email::new(receiver, message)?;
            (format!("smtp://{}", receiver.host), Vec::new(), email.formatted())
        } else {
            let request = self.request(receiver, message, now)?;
            let masked = |(name, value): (String, String)| match name.as_str() {
                "webhook-signature" | "authorization" => (name, MASK.to_owned()),
                _ => (name, value),
            };
            let body = match receiver.kind {
                // The topic is as secret as a URL.
                ReceiverKind::Ntfy => ntfy::body(message, MASK, receiver.priority),
                _ => request.body,
            };
            let headers = request.headers.into_iter().map(masked).collect();
            (origin(&request.url), headers, String::from_utf8_lossy(&body).into_owned())
        };
        Ok(Preview { receiver: receiver.name.clone(), kind: receiver.kind.as_str(), to, headers, body })
    }

    fn places<'b>(&'b self, receiver: &'b Receiver) -> Places<'b> {
        Places { receiver, base: self.base }
    }

    fn request(
        &self,
        receiver: &Receiver,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<PostRequest, String> {
        let places = self.places(receiver);
        let failed = |error: secrets::SecretError| error.to_string();
        let json = || vec![("content-type".to_owned(), "application/json".to_owned())];
        let url = || places.url().map_err(failed);
        let (url, headers, body) = match receiver.kind {
            ReceiverKind::Webhook => {
                let body = webhook::body(message);
                let keys = places.keys().map_err(failed)?;
                (url()?, webhook::headers(&message.id, now, &body, &keys), body)
            }
            ReceiverKind::Slack => (url()?, json(), slack::body(message)),
            ReceiverKind::Discord => (url()?, json(), discord::body(message)),
            ReceiverKind::Teams => (url()?, json(), teams::body(message)),
            ReceiverKind::Ntfy => {
                let server = match receiver.server.trim() {
                    "" => ntfy::PUBLIC_SERVER,
                    server => server,
                };
                let mut headers = json();
                if let Some(token) = places.token().map_err(failed)? {
                    headers.push(("authorization".to_owned(), format!("Bearer {token}")));
                }
                let topic = places.topic().map_err(failed)?;
                (server.to_owned(), headers, ntfy::body(message, &topic, receiver.priority))
            }
            ReceiverKind::Email => return Err("email is not sent by HTTP".to_owned()),
        };
        Ok(PostRequest { url, headers, body, user_agent: self.user_agent.to_owned() })
    }
}

/// Scheme and host of a URL; the rest may be a secret.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/…")
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn a_shown_address_ends_at_the_host() {
        assert_eq!(origin("https://hooks.example/T0/B0/secret?x=secret"), "https://hooks.example/…");
        assert_eq!(origin("https://u:secret@hooks.example?secret"), "https://hooks.example/…");
    }
}
