//! Alerts: notices about changes, and their delivery to webhooks, chats, ntfy and email.

pub mod channels;
pub mod delivery;
pub mod engine;
pub mod notice;
