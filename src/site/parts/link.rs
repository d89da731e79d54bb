//! Addresses inside the site, and the check of external ones.

use crate::domain::tier::Lens;
use std::fmt::Write;

/// The file name of an hourly map, under the address of its endpoint.
pub const HOURS_FILE: &str = "hours.svg";
/// The file name of the chart of a provider.
pub const PROVIDER_CHART_FILE: &str = "hit-rate.svg";

/// Percent-encodes one path segment or query value; `:` and `@` stay as they are, `/` does not.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b':' | b'@' => {
                encoded.push(byte as char);
            }
            // Writing to a String cannot fail.
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
    }
    encoded
}

/// Encodes a model id segment by segment, because its slash separates author and name.
fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// The page of a model.
pub fn model(model_id: &str) -> String {
    format!("/models/{}", encode_path(model_id))
}

/// The page of a provider.
pub fn provider(slug: &str) -> String {
    format!("/providers/{}", encode(slug))
}

/// The tier list of a lens under a workload; the workload is omitted if the lens does not need one.
pub fn tiers(lens: Lens, workload: Option<&str>) -> String {
    let query = tier_query(lens, workload);
    format!("/?{query}")
}

/// The query of a tier list, shared with its JSON twin.
pub fn tier_query(lens: Lens, workload: Option<&str>) -> String {
    match workload.filter(|_| lens.needs_workload()) {
        Some(workload) => format!("lens={lens}&workload={}", encode(workload)),
        None => format!("lens={lens}"),
    }
}

/// The JSON twin of a tier list.
pub fn tiers_json(lens: Lens, workload: Option<&str>) -> String {
    format!("/api/v1/tiers?{}", tier_query(lens, workload))
}

/// The JSON twin of a provider's page.
pub fn provider_json(slug: &str) -> String {
    format!("/api/v1/providers/{}", encode(slug))
}

/// The JSON twin of a model's page.
pub fn model_json(model_id: &str) -> String {
    format!("/api/v1/models/{}", encode_path(model_id))
}

/// A chart of a model as a file.
pub fn model_chart(model_id: &str, file: &str) -> String {
    format!("/chart/model/{}/{file}", encode_path(model_id))
}

/// The hourly map of an endpoint as a file.
pub fn hours_chart(model_id: &str, tag: &str) -> String {
    format!("/chart/model/{}/{}/{HOURS_FILE}", encode_path(model_id), encode_path(tag))
}

/// The chart of a provider as a file.
pub fn provider_chart(slug: &str) -> String {
    format!("/chart/provider/{}/{}", encode(slug), PROVIDER_CHART_FILE)
}

/// The preview picture of a model.
pub fn model_card(model_id: &str) -> String {
    format!("/og/model/{}.png", encode_path(model_id))
}

/// The preview picture of a provider.
pub fn provider_card(slug: &str) -> String {
    format!("/og/provider/{}.png", encode(slug))
}

pub fn model_badge(model_id: &str) -> String {
    format!("/badge/model/{}.svg", encode_path(model_id))
}

pub fn provider_badge(slug: &str) -> String {
    format!("/badge/{}.svg", encode(slug))
}

/// The name of an endpoint in addresses of this site: its model and its tag.
pub fn endpoint_name(model_id: &str, tag: &str) -> String {
    format!("{model_id}@{tag}")
}

/// The JSON twin of the calculator with a model.
pub fn cost_json(model_id: &str) -> String {
    format!("/api/v1/cost/{}", encode_path(model_id))
}

/// The calculator with a model filled in.
pub fn cost(model_id: &str) -> String {
    format!("/cost?model={}", encode(model_id))
}

/// The calculator with a model and a workload filled in.
pub fn cost_of(model_id: &str, workload: &str) -> String {
    format!("/cost?model={}&workload={}", encode(model_id), encode(workload))
}

/// The preferences of a model in the API.
pub fn preference_json(model_id: &str) -> String {
    format!("/api/v1/preferences/{}", encode_path(model_id))
}

/// An address from the upstream, if it is safe to link to: a plain `http` or `https` address.
pub fn external(address: Option<&str>) -> Option<String> {
    let address = address?.trim();
    let lower = address.to_ascii_lowercase();
    let is_web = lower.starts_with("https://") || lower.starts_with("http://");
    let is_plain = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    (is_web && is_plain).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_leave_the_site() {
        assert_eq!(external(Some("HTTPS://a.example/x")), Some("HTTPS://a.example/x".to_owned()));
        for hostile in ["javascript:alert(1)", "data:text/html,x", "//a.example", "", "https://a.example/ x"]
        {
            assert_eq!(external(Some(hostile)), None, "{hostile}");
        }
        assert_eq!(external(None), None);
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(model("a/b:free"), "/models/a/b:free");
        assert_eq!(provider("a/../b?c#d\"<"), "/providers/a%2F..%2Fb%3Fc%23d%22%3C");
        assert_eq!(tiers(Lens::Cache, Some("chat")), "/?lens=cache");
        assert_eq!(tiers(Lens::Cost, Some("a&b")), "/?lens=cost&workload=a%26b");
    }
}
