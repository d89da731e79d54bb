//! The tools, one file each.

mod changes;
mod compare;
mod cost;
mod find;
mod history;
mod recommend;

use super::ToolName;
use super::arguments::{CompareEndpoints, FindModel, History, RecommendHost, SessionCost, WhatChanged};
use super::failure::Failure;
use super::reply::{Reply, output_schema};
use super::source::Source;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde::de::DeserializeOwned;
use serde_json::Value;

impl ToolName {
    const fn title(self) -> &'static str {
        match self {
            Self::FindModel => "Find a model",
            Self::RecommendHost => "Recommend a host",
            Self::CompareEndpoints => "Compare endpoints",
            Self::History => "History",
            Self::SessionCost => "Cost of a session",
            Self::WhatChanged => "What changed",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::FindModel => {
                "Finds models by words of their id or name. Call it first: the other tools need the exact model_id."
            }
            Self::RecommendHost => {
                "Recommends the hosts of a model with evidence (hit rate, session cost, expected saving) and a ready \
                 configuration for a tool. Mode `avoid` lists the hosts to avoid. If nothing is recommended, `why` gives \
                 the reason."
            }
            Self::CompareEndpoints => {
                "Compares the endpoints of a model: hit rate, list and effective prices, session cost, uptime, speed, \
                 limits, flags. Cheapest session first."
            }
            Self::History => {
                "Returns hit rates and prices of a model's endpoints by day or by hour, oldest first."
            }
            Self::SessionCost => {
                "Prices a session at every endpoint of a model, in USD with a 90 % interval, for a workload or your own \
                 token counts. Cheapest first."
            }
            Self::WhatChanged => {
                "Lists recent changes of prices, endpoints and tiers, newest first; of all models, one model or one \
                 provider."
            }
        }
    }

    /// The definition that clients see.
    pub(super) fn definition(self) -> Tool {
        let tool = Tool::new(self.as_str(), self.description(), JsonObject::new());
        let tool = match self {
            Self::FindModel => tool.with_input_schema::<FindModel>(),
            Self::RecommendHost => tool.with_input_schema::<RecommendHost>(),
            Self::CompareEndpoints => tool.with_input_schema::<CompareEndpoints>(),
            Self::History => tool.with_input_schema::<History>(),
            Self::SessionCost => tool.with_input_schema::<SessionCost>(),
            Self::WhatChanged => tool.with_input_schema::<WhatChanged>(),
        };
        // The world is that of the snapshot: nothing is changed, and no other service is queried.
        let hints =
            ToolAnnotations::with_title(self.title()).read_only(true).idempotent(true).open_world(false);
        tool.with_title(self.title()).with_annotations(hints).with_raw_output_schema(output_schema())
    }

    /// Answers a call.
    pub(super) async fn answer(self, source: &Source, arguments: JsonObject) -> Result<Reply, Failure> {
        match self {
            Self::FindModel => find::answer(source, self.read(arguments)?).await,
            Self::RecommendHost => recommend::answer(source, self.read(arguments)?).await,
            Self::CompareEndpoints => compare::answer(source, self.read(arguments)?).await,
            Self::History => history::answer(source, self.read(arguments)?).await,
            Self::SessionCost => cost::answer(source, self.read(arguments)?).await,
            Self::WhatChanged => changes::answer(source, self.read(arguments)?).await,
        }
    }

    fn read<T: DeserializeOwned>(self, arguments: JsonObject) -> Result<T, Failure> {
        serde_json::from_value(Value::Object(arguments))
            .map_err(|error| Failure::Argument(format!("invalid arguments of {self}: {error}")))
    }
}

/// The error for tags that a model does not have.
fn unknown_endpoint(tag: &str, model: &str, known: &str) -> Failure {
    Failure::Argument(format!("{model} has no endpoint `{tag}`; its endpoints are {known}"))
}
