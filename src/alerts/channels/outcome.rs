//! What came of sending a message.

use crate::fetch::{PostAnswer, PostError};
use std::time::Duration;

/// What a failed delivery means for the message and the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The receiver asks to wait: it works, so this does not count against it.
    Busy,
    /// It failed; the message is sent again later.
    Failed,
    /// The receiver does not accept this message; others may pass.
    Refused,
    /// The receiver no longer exists: it is switched off at once.
    Gone,
}

/// A failed delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendFailure {
    /// HTTP status or reply code of SMTP, if there was a response.
    pub status: Option<u16>,
    /// Why, without path, query or secret.
    pub detail: String,
    /// The wait that the receiver asks for.
    pub retry_after: Option<Duration>,
    /// What it means.
    pub effect: Effect,
}

impl SendFailure {
    /// A failure without a response.
    pub fn without_response(detail: impl std::fmt::Display) -> Self {
        let detail = super::plain::line(&detail.to_string(), 300);
        Self { status: None, detail, retry_after: None, effect: Effect::Failed }
    }
}

/// What a response of HTTP means: the status if the receiver accepted the message.
///
/// # Errors
/// [`SendFailure`] for every status but 2xx, and if there is no response.
pub fn of_http(answer: Result<PostAnswer, PostError>) -> Result<u16, SendFailure> {
    let answer = answer.map_err(SendFailure::without_response)?;
    let status = answer.status;
    let (effect, detail) = match status {
        200..=299 => return Ok(status),
        410 => (Effect::Gone, "the receiver reports that it is gone".to_owned()),
        408 | 425 | 429 => (Effect::Busy, format!("the receiver asks to wait (status {status})")),
        400 | 413 | 422 => {
            (Effect::Refused, format!("the receiver does not accept the message (status {status})"))
        }
        300..=399 => {
            (Effect::Failed, format!("redirects are not followed (status {status}); correct the URL"))
        }
        _ => (Effect::Failed, format!("status {status}")),
    };
    let retry_after = answer.retry_after.or_else(|| wait_in_body(status, &answer.body));
    Err(SendFailure { status: Some(status), detail, retry_after, effect })
}

/// Discord states the wait in the body, in seconds with a fraction.
fn wait_in_body(status: u16, body: &[u8]) -> Option<Duration> {
    #[derive(serde::Deserialize)]
    struct Limited {
        retry_after: f64,
    }
    let limited: Limited = serde_json::from_slice(body).ok().filter(|_| status == 429)?;
    Duration::try_from_secs_f64(limited.retry_after).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Result<u16, SendFailure> {
        of_http(Ok(PostAnswer { status, retry_after: None, body: body.into() }))
    }

    #[test]
    fn each_status_has_its_meaning() {
        assert_eq!(answer(204, ""), Ok(204));
        for (status, effect) in [
            (301, Effect::Failed),
            (400, Effect::Refused),
            (403, Effect::Failed),
            (404, Effect::Failed),
            (410, Effect::Gone),
            (425, Effect::Busy),
            (500, Effect::Failed),
        ] {
            assert_eq!(answer(status, "").expect_err("failed").effect, effect, "{status}");
        }
        let limited =
            answer(429, r#"{"message":"x","retry_after":1.5,"global":false}"#).expect_err("limited");
        assert_eq!(limited.retry_after, Some(Duration::from_millis(1500)));
        assert_eq!(answer(429, r#"{"retry_after":-1}"#).expect_err("limited").retry_after, None);
    }
}
