//! Addresses inside the site, and the check of external ones.

use crate::domain::tier::Lens;
use crate::snapshot::{Endpoint, ModelEntry};
use std::fmt::Write;
use uuid::Uuid;

/// The file name of an hourly map, under the address of its endpoint.
pub const HOURS_FILE: &str = "hours.svg";
/// The file name of the chart of a provider.
pub const PROVIDER_CHART_FILE: &str = "hit-rate.svg";

/// The Atom feed of all changes; below the page of a model, provider or endpoint, the feed of its changes.
pub const FEED: &str = "/changes.atom";
/// The same as JSON Feed.
pub const JSON_FEED: &str = "/changes.feed.json";

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
pub fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// The page of a model.
pub fn model(model_id: &str) -> String {
    format!("/models/{}", encode_path(model_id))
}

/// The part of an endpoint's address between its model and its tag.
pub const ENDPOINTS: &str = "/endpoints/";

/// Longest tag that has a page under its own name, bytes.
const LONGEST_TAG: usize = 200;

/// The page of an endpoint of a model: by its tag, or by its id if the tag has no page or belongs to another endpoint as
/// well.
pub fn endpoint_of(model: &ModelEntry, endpoint: &Endpoint) -> String {
    let tag = endpoint.tag.as_str();
    let first = model.endpoints.iter().find(|e| e.tag == endpoint.tag);
    let is_first = first.is_some_and(|e| e.endpoint_id == endpoint.endpoint_id);
    let name = if is_first && has_page(tag) { encode_path(tag) } else { endpoint.endpoint_id.to_string() };
    format!("{}{ENDPOINTS}{name}", self::model(&model.model_id))
}

/// Whether a tag can be the end of an address: browsers remove empty and dotted parts of paths, `.json`, `.csv` and
/// `.parquet` are names of data, and `changes.atom` is the feed.
fn has_page(tag: &str) -> bool {
    let is_kept = |part: &str| !matches!(part, "" | "." | "..");
    let is_feed = FEED.strip_prefix('/') == Some(tag) || tag.ends_with(FEED);
    let is_data = is_feed || [".json", ".csv", ".parquet"].iter().any(|ending| tag.ends_with(ending));
    tag.len() <= LONGEST_TAG && tag.split('/').all(is_kept) && !is_data
}

/// The days of an endpoint in the API, by its id; with `.csv` appended, as a table.
pub fn endpoint_json(id: Uuid) -> String {
    format!("/api/v1/endpoints/{id}/history")
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

/// The place of the tier list on its page, so that a click on a lens or workload does not lead away from it.
pub const TIERS_PLACE: &str = "#tiers";

/// The id of a row of a table, `prefix-name`; `None` if the name has characters that do not belong in an address.
pub fn row_id(prefix: &str, name: &str) -> Option<String> {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | ':' | '/' | '@');
    (!name.is_empty() && name.chars().all(is_plain)).then(|| format!("{prefix}-{name}"))
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

/// The badge of an endpoint within its model, by the address of its page.
pub fn endpoint_badge(page: &str) -> String {
    format!("/badge/model{}.svg", page.strip_prefix("/models").unwrap_or(page))
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
    fn a_tag_ends_an_address_only_if_browsers_and_data_names_leave_it() {
        assert!(has_page("quarry/fp8") && has_page("x?y#\"<") && has_page("a.parquet/b"));
        assert_eq!(encode_path("x?y#\"</fp8"), "x%3Fy%23%22%3C/fp8");
        for changed in [
            "",
            "..",
            "a//b",
            "a/./b",
            "a/",
            "a.json",
            "x/y.csv",
            "a.parquet",
            "x/changes.atom",
            &"t".repeat(300),
        ] {
            assert!(!has_page(changed), "{changed}");
        }
    }

    #[test]
    fn only_plain_names_make_ids() {
        assert_eq!(row_id("m", "a/b-2.5:free"), Some("m-a/b-2.5:free".to_owned()));
        for hostile in ["", "a b", "a\"b", "ü", "a\u{202e}b"] {
            assert_eq!(row_id("m", hostile), None, "{hostile}");
        }
    }

    #[test]
    fn names_cannot_leave_their_segment() {
        assert_eq!(model("a/b:free"), "/models/a/b:free");
        assert_eq!(provider("a/../b?c#d\"<"), "/providers/a%2F..%2Fb%3Fc%23d%22%3C");
        assert_eq!(tiers(Lens::Cache, Some("chat")), "/?lens=cache");
        assert_eq!(tiers(Lens::Cost, Some("a&b")), "/?lens=cost&workload=a%26b");
    }
}
