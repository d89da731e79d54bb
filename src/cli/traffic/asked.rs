//! What the questions about own traffic have in common: their limits, the store and the snapshot.

use super::words::clean_line;
use crate::cli::Common;
pub(super) use crate::cli::mine::store;
use crate::domain::window;
use crate::snapshot::{self, Snapshot};
use crate::store::TrafficStore;
use crate::traffic::known::unknown;
use crate::traffic::report::Question;
use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;

/// The limits of a question.
#[derive(Debug, Clone, Args)]
pub(super) struct QuestionArgs {
    /// Only calls from this time on: an RFC 3339 time, or a date for the start of that UTC day.
    #[arg(long, value_name = "TIME", value_parser = window::start)]
    from: Option<DateTime<Utc>>,
    /// Only calls before this time: an RFC 3339 time, or a date for the start of that UTC day.
    #[arg(long, value_name = "TIME", value_parser = window::start)]
    to: Option<DateTime<Utc>>,
    /// Only calls of this model: its id, slug or alias, or its name as written in the log.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only calls of this provider: its name, base slug or tag.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// Only calls of this source, as `hitrate traffic files` lists it.
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
}

impl QuestionArgs {
    /// The question. The store names the models of the catalogue by slug, and variants by id.
    ///
    /// # Errors
    /// If the model, provider or source occurs nowhere in the store; the error lists those that do.
    pub fn question(&self, store: &TrafficStore, snapshot: Option<&Snapshot>) -> Result<Question> {
        let question = self.written(snapshot);
        match unknown(store, &question)? {
            Some(why) => bail!(clean_line(&why)),
            None => Ok(question),
        }
    }

    fn written(&self, snapshot: Option<&Snapshot>) -> Question {
        let model = self.model.as_deref().map(|name| {
            let known = snapshot.and_then(|snapshot| snapshot.model_written(name)).map(|(model, _)| model);
            match known {
                Some(model) if model.variant.is_standard() => model.slug.to_string(),
                Some(model) => model.model_id.clone(),
                None => name.to_owned(),
            }
        });
        Question {
            from: self.from,
            to: self.to,
            model,
            provider: self.provider.clone(),
            source: self.source.clone(),
        }
    }
}

/// The saved snapshot, if there is one.
pub(super) fn snapshot(common: &Common) -> Result<Option<Snapshot>> {
    Ok(snapshot::store::load(&common.data().snapshots())?)
}
