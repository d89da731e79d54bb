//! Settings of alerts: who receives them, when, and how long a delivery is tried.

use super::limits::within;
use super::{ConfigError, Rule, alerts_rules};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;

/// Alerts: receivers and the limits of their deliveries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alerts {
    /// Hours after which a message that cannot be delivered is given up.
    pub give_up_hours: u32,
    /// Days of failures after which a receiver is switched off.
    pub switch_off_days: u32,
    /// Days in which a receiver gets the same notice only once.
    pub dedup_days: u32,
    /// Messages per hour and receiver.
    pub messages_per_hour: u32,
    /// Whether the status page and the API show the names of the receivers and the last deliveries.
    pub show_receivers: bool,
    /// Who receives alerts.
    pub receivers: Vec<Receiver>,
    /// What is worth a notice.
    pub rules: Vec<Rule>,
}

/// The kinds of receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiverKind {
    /// JSON, signed by the scheme of Standard Webhooks.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A webhook of the Workflows app of Microsoft Teams.
    Teams,
    /// A topic of an ntfy server.
    Ntfy,
    /// Email by SMTP.
    Email,
}

impl ReceiverKind {
    /// The name in the settings and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Teams => "teams",
            Self::Ntfy => "ntfy",
            Self::Email => "email",
        }
    }
}

/// How a connection to an SMTP server is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// STARTTLS, required; port 587 by default.
    #[default]
    Starttls,
    /// TLS from the first byte; port 465 by default.
    Tls,
    /// Not encrypted; only for a server on this machine. Port 25 by default.
    None,
}

/// A text that is never printed: the address of a webhook is a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden(String);

/// What is printed instead of a hidden text.
pub const MASK: &str = "(hidden)";

impl Hidden {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "\"\"" } else { MASK })
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if self.is_empty() { "" } else { MASK })
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// One receiver. Which keys it needs depends on its kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// Its name in rules, logs and commands: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What it is.
    pub kind: ReceiverKind,
    /// Where to post, for webhook, slack, discord and teams.
    #[serde(default, skip_serializing_if = "Hidden::is_empty")]
    pub url: Hidden,
    /// A file that holds the URL, relative to the data folder.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url_file: String,
    /// An environment variable that holds the URL.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url_env: String,
    /// A file with the signing secrets of a webhook (`whsec_…`), one a line, the newest first.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret_file: String,
    /// An environment variable with the signing secrets, separated by spaces.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub secret_env: String,
    /// Base URL of the ntfy server.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// Topic of ntfy; on a public server, it is a secret.
    #[serde(default, skip_serializing_if = "Hidden::is_empty")]
    pub topic: Hidden,
    /// A file that holds the topic.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic_file: String,
    /// An environment variable that holds the topic.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic_env: String,
    /// A file with the access token of ntfy.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_file: String,
    /// An environment variable with the access token.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_env: String,
    /// Priority of ntfy, 1 to 5; without it, the severity decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// SMTP server.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Its port; without it, the usual one of the encryption.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its encryption.
    #[serde(default)]
    pub tls: SmtpTls,
    /// The user name at the SMTP server; empty without a login.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// A file with the password.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub password_file: String,
    /// An environment variable with the password.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub password_env: String,
    /// Sender of emails.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// Recipients of emails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Hours in which only critical notices are sent, such as `22:00-07:00`; empty if there are none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub quiet_hours: String,
    /// Offset from UTC of the quiet hours and of a daily digest, such as `+02:00`; UTC by default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub utc_offset: String,
    /// When to send: `immediate`, `hourly` or `daily HH:MM`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// Whether the address may be in a private network or on this machine, and plain HTTP is accepted.
    #[serde(default)]
    pub allow_private: bool,
}

/// When a receiver gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digest {
    /// As soon as there is a notice.
    Immediate,
    /// At each full hour.
    Hourly,
    /// Once a day, at this minute of the receiver's day.
    Daily(u32),
}

/// The hours in which a receiver gets only critical notices: minutes of its day. They may pass midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// First minute.
    pub from: u32,
    /// First minute after them.
    pub to: u32,
}

impl Receiver {
    /// When it gets its messages; `None` if the setting is invalid.
    pub fn digest(&self) -> Option<Digest> {
        match self.digest.trim() {
            "" | "immediate" => Some(Digest::Immediate),
            "hourly" => Some(Digest::Hourly),
            daily => minute(daily.strip_prefix("daily ")?).map(Digest::Daily),
        }
    }

    /// Its quiet hours, if any; an error if the setting is invalid.
    ///
    /// # Errors
    /// The expected form.
    pub fn quiet(&self) -> Result<Option<QuietHours>, &'static str> {
        const EXPECTED: &str = "expected `quiet_hours` such as \"22:00-07:00\", with two different times";
        let text = self.quiet_hours.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let (from, to) = text.split_once('-').ok_or(EXPECTED)?;
        let (from, to) = minute(from).zip(minute(to)).ok_or(EXPECTED)?;
        if from == to { Err(EXPECTED) } else { Ok(Some(QuietHours { from, to })) }
    }

    /// Minutes that its day is ahead of UTC; `None` if the setting is invalid.
    pub fn offset_minutes(&self) -> Option<i32> {
        let text = self.utc_offset.trim();
        if matches!(text, "" | "Z" | "UTC") {
            return Some(0);
        }
        let (sign, rest) = match text.split_at_checked(1)? {
            ("+", rest) => (1, rest),
            ("-", rest) => (-1, rest),
            _ => return None,
        };
        minute(rest).filter(|minutes| *minutes <= 14 * 60).map(|minutes| sign * minutes as i32)
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_name) {
            return Some("expected a `name` of up to 64 letters, digits, `-`, `_` and `.`".to_owned());
        }
        let one_of = |what: &str, set: [bool; 3]| match set.iter().filter(|is_set| **is_set).count() {
            1 => None,
            _ => Some(format!("expected exactly one of `{what}`, `{what}_file` and `{what}_env`")),
        };
        let found = match self.kind {
            ReceiverKind::Webhook | ReceiverKind::Slack | ReceiverKind::Discord | ReceiverKind::Teams => {
                let set = [!self.url.is_empty(), !self.url_file.is_empty(), !self.url_env.is_empty()];
                one_of("url", set)
            }
            ReceiverKind::Ntfy => {
                let set = [!self.topic.is_empty(), !self.topic_file.is_empty(), !self.topic_env.is_empty()];
                one_of("topic", set)
            }
            ReceiverKind::Email if self.host.is_empty() => {
                Some("expected `host`, the SMTP server".to_owned())
            }
            ReceiverKind::Email if self.from.is_empty() || self.to.is_empty() => {
                Some("expected `from` and `to`, a list of addresses".to_owned())
            }
            ReceiverKind::Email if self.tls == SmtpTls::None && !self.allow_private => Some(
                "`tls = \"none\"` is only for a server on this machine, with `allow_private = true`"
                    .to_owned(),
            ),
            ReceiverKind::Email
                if !self.user.is_empty() && self.password_file.is_empty() == self.password_env.is_empty() =>
            {
                Some("expected exactly one of `password_file` and `password_env` for the `user`".to_owned())
            }
            ReceiverKind::Email => None,
        };
        let signed = !self.secret_file.is_empty() || !self.secret_env.is_empty();
        found
            .or_else(|| {
                (self.kind == ReceiverKind::Webhook
                    && self.secret_file.is_empty() == self.secret_env.is_empty())
                .then(|| "expected exactly one of `secret_file` and `secret_env` to sign with".to_owned())
            })
            .or_else(|| {
                (self.kind != ReceiverKind::Webhook && signed)
                    .then(|| "only receivers of the kind `webhook` are signed; remove the secret".to_owned())
            })
            .or_else(|| {
                self.priority
                    .is_some_and(|priority| !(1..=5).contains(&priority))
                    .then(|| "expected a `priority` of 1 to 5".to_owned())
            })
            .or_else(|| self.quiet().err().map(str::to_owned))
            .or_else(|| {
                self.offset_minutes()
                    .is_none()
                    .then(|| "expected a `utc_offset` such as \"+02:00\", at most 14 hours".to_owned())
            })
            .or_else(|| {
                self.digest().is_none().then(|| {
                    "expected `digest` to be \"immediate\", \"hourly\" or \"daily HH:MM\"".to_owned()
                })
            })
    }
}

/// The minute of the day of a time such as `07:30`.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

impl Alerts {
    /// The receiver of a name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name == name)
    }

    /// Checks the values.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, detail: String| Err(ConfigError::Value { key, detail });
        within("alerts.give_up_hours", self.give_up_hours, 1..=720)?;
        within("alerts.switch_off_days", self.switch_off_days, 1..=365)?;
        within("alerts.dedup_days", self.dedup_days, 1..=365)?;
        within("alerts.messages_per_hour", self.messages_per_hour, 1..=1000)?;
        let mut names = BTreeSet::new();
        for receiver in &self.receivers {
            // The name may be anything here, so it is written with escapes.
            let name = receiver.name.escape_debug();
            if let Some(problem) = receiver.problem() {
                return wrong("alerts.receivers", format!("receiver `{name}`: {problem}"));
            }
            if !names.insert(&receiver.name) {
                return wrong("alerts.receivers", format!("two receivers have the name `{name}`"));
            }
        }
        let names: Vec<&str> = self.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        alerts_rules::check(&self.rules, &names)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;
    use std::path::Path;

    fn parse(receiver: &str) -> Result<Config, String> {
        let text = format!("[[alerts.receivers]]\nname = \"one\"\n{receiver}");
        Config::parse(&text, Path::new("hitrate.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn each_kind_names_what_it_needs() {
        for right in [
            "kind = \"webhook\"\nurl = \"https://example.org/a\"\nsecret_env = \"S\"\n",
            "kind = \"slack\"\nurl_file = \"slack-url\"\nquiet_hours = \"22:00-07:00\"\nutc_offset = \"+02:00\"\n",
            "kind = \"ntfy\"\ntopic_env = \"T\"\ndigest = \"daily 08:00\"\npriority = 4\n",
            "kind = \"email\"\nhost = \"mail.example.org\"\nfrom = \"a@example.org\"\nto = [\"b@example.org\"]\n",
        ] {
            assert!(parse(right).is_ok(), "{right}: {:?}", parse(right));
        }
        for (wrong, word) in [
            ("kind = \"webhook\"\nurl = \"https://example.org/a\"\n", "secret_file"),
            ("kind = \"slack\"\n", "url_env"),
            ("kind = \"slack\"\nurl_env = \"U\"\nsecret_env = \"S\"\n", "only receivers"),
            ("kind = \"discord\"\nurl = \"https://a\"\nurl_env = \"U\"\n", "exactly one"),
            ("kind = \"ntfy\"\ntopic = \"t\"\npriority = 6\n", "1 to 5"),
            (
                "kind = \"email\"\nhost = \"m\"\nfrom = \"a@b\"\nto = [\"c@d\"]\ntls = \"none\"\n",
                "this machine",
            ),
            ("kind = \"teams\"\nurl_env = \"U\"\nquiet_hours = \"22-7\"\n", "quiet_hours"),
            ("kind = \"teams\"\nurl_env = \"U\"\nutc_offset = \"Berlin\"\n", "utc_offset"),
            ("kind = \"teams\"\nurl_env = \"U\"\ndigest = \"weekly\"\n", "digest"),
            ("kind = \"pager\"\n", "kind"),
        ] {
            let error = parse(wrong).expect_err(wrong);
            assert!(error.contains(word), "{wrong}: {error}");
        }
    }

    #[test]
    fn an_address_is_never_printed() {
        let config =
            parse("kind = \"slack\"\nurl = \"https://hooks.example/T0/B0/verysecret\"\n").expect("valid");
        let printed = toml::to_string_pretty(&config).expect("printable");
        assert!(printed.contains(MASK) && !printed.contains("verysecret"), "{printed}");
        assert!(!format!("{config:?}").contains("verysecret"));
        assert_eq!(config.alerts.receivers[0].url.expose(), "https://hooks.example/T0/B0/verysecret");
    }

    #[test]
    fn an_error_of_syntax_names_the_line_and_not_its_text() {
        for broken in ["url = \"https://h.example/verysecret", "url = \"https://h.example/verysecret\" more"]
        {
            let error = parse(&format!("kind = \"slack\"\n{broken}\n")).expect_err(broken);
            assert!(error.starts_with("hitrate.toml: line 4: ") && !error.contains("verysecret"), "{error}");
        }
    }

    #[test]
    fn offsets_and_times_are_minutes() {
        let config =
            parse("kind = \"slack\"\nurl_env = \"U\"\nutc_offset = \"-03:30\"\ndigest = \"daily 07:05\"\n");
        let receiver = &config.expect("valid").alerts.receivers[0];
        assert_eq!(receiver.offset_minutes(), Some(-210));
        assert_eq!(receiver.digest(), Some(Digest::Daily(425)));
    }
}
