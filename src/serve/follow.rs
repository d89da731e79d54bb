//! Applies the rules of alerts after each publication.

use crate::alerts::delivery::Outbox;
use crate::alerts::engine::{self, EngineError, Input, OwnDrop};
use crate::background;
use crate::clock::Clock;
use crate::config::Config;
use crate::pipeline::{DataDir, Pipeline, traffic_options};
use crate::snapshot::{Current, Snapshot};
use crate::store::TrafficStore;
use crate::traffic::status::drops;
use chrono::{DateTime, Utc};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often the task looks for a new snapshot.
const EVERY: Duration = Duration::from_secs(5);
/// How often the rules are applied to the same snapshot: data become stale without a publication. After a failure, the
/// rules are applied again after the same time.
const AGAIN: Duration = Duration::from_secs(600);

/// What is needed to apply the rules.
#[derive(Clone)]
pub struct Following {
    config: Arc<Config>,
    data: DataDir,
    current: Arc<Current>,
    clock: Arc<dyn Clock>,
    outbox: Outbox,
}

impl Following {
    /// The rules of a pipeline; `None` if the settings have none.
    pub fn of(pipeline: &Pipeline) -> Option<Self> {
        let (config, data) = (&pipeline.config, &pipeline.data);
        if config.alerts.rules.is_empty() {
            return None;
        }
        let (settings, agent) = (config.alerts.clone(), config.user_agent());
        let outbox = Outbox::new(data.alerts(), data.path(), settings, agent, pipeline.clock.clone());
        Some(Self {
            config: Arc::new(config.clone()),
            data: data.clone(),
            current: pipeline.current.clone(),
            clock: pipeline.clock.clone(),
            outbox,
        })
    }

    /// The same with the outbox of the server, whose status says whether the rules can be applied.
    pub fn reporting_to(self, outbox: Option<Outbox>) -> Self {
        Self { outbox: outbox.unwrap_or(self.outbox), ..self }
    }

    /// The outbox that receives the notices.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Applies the rules to the newest snapshot, and returns the number of notices; `None` before the first snapshot.
    ///
    /// # Errors
    /// If the state of the rules or the outbox cannot be used.
    pub fn apply(&self) -> Result<Option<usize>, EngineError> {
        self.current.get().map(|snapshot| self.apply_to(&snapshot)).transpose()
    }

    fn apply_to(&self, snapshot: &Snapshot) -> Result<usize, EngineError> {
        let now = self.clock.now();
        let own = self.own(snapshot, now);
        let public_url = self.config.serve.public_url.trim_end_matches('/');
        let input = Input { snapshot, own: own.as_deref(), public_url, now };
        engine::run(&self.config.alerts, &self.data.alerts(), &self.outbox, input)
    }

    /// The drops of the own hit rate, if a rule watches it; `None` if they cannot be read now.
    fn own(&self, snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Vec<OwnDrop>> {
        if !self.config.alerts.rules.iter().any(|rule| rule.own_hit_rate_drop.is_some()) {
            return None;
        }
        let read = || {
            let store = TrafficStore::open_existing(traffic_options(&self.config, &self.data))?;
            store.map_or_else(|| Ok(Vec::new()), |store| drops(&store, now))
        };
        match read() {
            Ok(found) => Some(
                found
                    .into_iter()
                    .map(|drop| OwnDrop {
                        // The own traffic names models by slug, and rules by id.
                        model: snapshot.model(&drop.model).map_or(drop.model, |model| model.model_id.clone()),
                        provider: drop.provider,
                        before: drop.baseline,
                        after: drop.recent,
                        text: drop.text,
                    })
                    .collect(),
            ),
            Err(error) => {
                tracing::warn!(%error, "the own traffic cannot be read; the rules about it wait");
                None
            }
        }
    }

    /// Logs what looks wrong in the rules.
    fn warn(&self, snapshot: &Snapshot) {
        let rules = &self.config.alerts.rules;
        engine::warnings(rules, snapshot).iter().for_each(|warning| tracing::warn!("{warning}"));
        if !self.outbox.has_receivers() {
            tracing::warn!(
                "alerts.rules: there are rules but no `[[alerts.receivers]]`, so no notice is sent"
            );
        }
    }
}

/// Applies the rules after each publication until cancelled. It delays no publication and no visitor: it runs on a thread
/// of low priority, beside the task that publishes. Failures are logged and tried again.
pub async fn follow_until(following: Following, cancel: CancellationToken) {
    let mut applied: Option<(String, Instant)> = None;
    loop {
        if let Some(snapshot) = following.current.get() {
            if applied.is_none() {
                following.warn(&snapshot);
            }
            let is_known =
                applied.as_ref().is_some_and(|(id, at)| *id == snapshot.id && at.elapsed() < AGAIN);
            if !is_known {
                let id = snapshot.id.clone();
                let job = following.clone();
                let applied_to = background::run(move || job.apply_to(&snapshot)).await;
                let is_applied = matches!(applied_to, Ok(Ok(_)));
                following.outbox.note_rules((!is_applied).then(|| following.clock.now()));
                match applied_to {
                    Ok(Ok(0)) => {}
                    Ok(Ok(notices)) => tracing::info!(notices, snapshot = id, "alert rules applied"),
                    Ok(Err(error)) => tracing::error!(%error, "the alert rules could not be applied"),
                    Err(error) => tracing::error!(%error, "the alert rules failed"),
                }
                applied = Some((id, Instant::now()));
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}
