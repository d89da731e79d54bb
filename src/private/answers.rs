//! The table of answers: each row is a route `/own/v1/NAME` and the function behind it, which the command line uses too.

use crate::clock::Clock;
use crate::config::Config;
use crate::pipeline::DataDir;
use crate::snapshot::Current;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// What answers are computed from.
#[derive(Clone)]
pub struct Own {
    /// The settings.
    pub config: Arc<Config>,
    /// The data folder.
    pub data: DataDir,
    /// The public record, for rates and prices to compare with.
    pub current: Arc<Current>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// A parameter of the request is invalid.
    Words(String),
    /// The store of own traffic cannot be read now.
    Store(String),
}

/// Computes an answer from the parameters of a request.
pub type Answer = fn(&Own, &HashMap<String, String>) -> Result<Value, AnswerError>;

/// The answers by name.
pub const ANSWERS: &[(&str, Answer)] = &[];
