//! Whether the upstream can be reached.

use super::Finding;
use crate::config::Config;
use crate::fetch::{self, FetchConfig};
use crate::pipeline::DataDir;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// How long the upstream may take to respond.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends one cheap request to the upstream, with the certificates that a sweep trusts. Returns the finding, and the upstream's time if it stated one.
pub async fn upstream(config: &Config, data: &DataDir) -> (Finding, Option<DateTime<Utc>>) {
    const CHECK: &str = "upstream";
    let url = &config.upstream.base_url;
    let client = FetchConfig {
        user_agent: config.user_agent(),
        ca_file: data.ca_file(config),
        timeout: PATIENCE,
        ..FetchConfig::default()
    };
    match fetch::reach(url, &client, PATIENCE).await {
        Err(error) => {
            let action = "check the network, DNS, HTTPS_PROXY and `upstream.base_url`";
            (Finding::failed(CHECK, error.to_string(), action), None)
        }
        Ok(reached) => {
            let detail =
                format!("{url} responded with status {} in {} ms", reached.status, reached.took.as_millis());
            let finding = match reached.status {
                401 | 403 | 429 | 451 => Finding::failed(
                    CHECK,
                    format!("{detail}: it refuses requests"),
                    "find out why before you raise or change anything; see `upstream.contact_url`",
                ),
                500.. => Finding::warning(CHECK, detail, "wait; sweeps try again by themselves"),
                _ => Finding::ok(CHECK, detail),
            };
            (finding, reached.date)
        }
    }
}
