//! Links from the pages of own traffic: to the report on a model, and to the public pages of models and endpoints.

use crate::private::answers::Own;
use crate::site::{encode, endpoint_page, model_page};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use std::sync::Arc;

/// The links of a page.
pub struct Links {
    snapshot: Option<Arc<Snapshot>>,
    public_url: String,
}

/// The report on the calls of one model.
pub fn report_on(model: &str) -> String {
    format!("/?model={}", encode(model))
}

impl Links {
    /// The links of a page that was requested at a host and port.
    pub fn new(own: &Own, host: &str) -> Self {
        Self { snapshot: own.current.get(), public_url: reachable(&own.public_url, host) }
    }

    fn entry(&self, model: &str) -> Option<&ModelEntry> {
        self.snapshot.as_deref().filter(|_| !self.public_url.is_empty())?.model(model)
    }

    /// The public page of a model, by its id or slug; none if it is not in the snapshot.
    pub fn model(&self, model: &str) -> Option<String> {
        Some(format!("{}{}", self.public_url, model_page(&self.entry(model)?.model_id)))
    }

    /// The public page of the endpoint of a model with this tag; none if it is not in the snapshot.
    pub fn endpoint(&self, model: &str, tag: &str) -> Option<String> {
        let entry = self.entry(model)?;
        let endpoint: &Endpoint = entry.endpoints.iter().find(|endpoint| endpoint.tag.as_str() == tag)?;
        Some(format!("{}{}", self.public_url, endpoint_page(entry, endpoint)))
    }
}

/// The URL of a server as it is reached from where the page was requested: a server that listens on every address is at
/// the same host.
fn reachable(url: &str, host: &str) -> String {
    let everywhere = ["http://0.0.0.0:", "http://[::]:"].iter().find_map(|start| url.strip_prefix(start));
    let Some(port) = everywhere else { return url.to_owned() };
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = host.rsplit_once(':').filter(|(_, end)| is_port(end)).map_or(host, |(name, _)| name);
    format!("http://{name}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_at_the_host_of_the_request() {
        assert_eq!(reachable("http://0.0.0.0:80", "10.0.0.7:8088"), "http://10.0.0.7:80");
        assert_eq!(reachable("http://[::]:80", "[::1]:8088"), "http://[::1]:80");
        assert_eq!(reachable("http://[::]:80", "own.example.org"), "http://own.example.org:80");
        assert_eq!(reachable("https://h.example.org", "127.0.0.1:1"), "https://h.example.org");
        assert_eq!(report_on("a/b c"), "/?model=a%2Fb%20c");
    }
}
