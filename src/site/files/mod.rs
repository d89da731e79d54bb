//! Files that accompany the pages: charts, badges, pictures for previews, feed and site map. They are rendered from the
//! snapshot and cached like pages.

pub mod badge;
pub mod card;
pub mod following;
pub mod names;
pub mod previews;
pub mod routes;
pub mod site_map;

use self::following::{FeedFormat, Scope};
use crate::domain::tier::Lens;
use crate::site::charts::{self, OfModel, Window, hours, session_bars};
use crate::site::parts::clean::clean;
use crate::site::parts::preference::recommended;
use crate::site::parts::shell::View;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use uuid::Uuid;

/// A file that is the same for all visitors; names are those of the snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum File {
    /// A chart of a model, by its public id.
    ModelChart(String, OfModel),
    /// The hourly map of an endpoint, by the model's public id and the endpoint's tag.
    Hours(String, String),
    /// The session costs under a workload, by the model's public id and the workload's name.
    Sessions(String, String),
    /// The chart of a provider, by its base slug.
    ProviderChart(String),
    /// The badge of a provider under a lens.
    ProviderBadge(String, Lens),
    /// The badge of a model: its cheapest host.
    ModelBadge(String, Lens),
    /// The badge of an endpoint, by the model's public id and the endpoint's own id.
    EndpointBadge(String, Uuid),
    /// The changes of all, a model, a provider or an endpoint.
    Feed(Scope, FeedFormat),
    SiteMap,
    /// The names that search fields suggest.
    Names,
    /// The preview picture of the front page.
    SiteCard,
    /// The preview picture of a provider, by its base slug.
    ProviderCard(String),
    /// The preview picture of a model, by its public id.
    ModelCard(String),
}

impl File {
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::SiteCard | Self::ProviderCard(_) | Self::ModelCard(_) => "image/png",
            Self::Feed(_, format) => format.content_type(),
            Self::Names => "application/json",
            Self::SiteMap => "application/xml; charset=utf-8",
            _ => "image/svg+xml",
        }
    }
}

/// Renders a file; `None` if the snapshot does not have its subject.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, file: &File) -> askama::Result<Option<Vec<u8>>> {
    let snapshot = view.snapshot.as_ref();
    let text = match file {
        // Not cleaned: JSON escapes what it must, and the script shows names as text.
        File::Names => return Ok(Some(names::names(snapshot))),
        File::Feed(scope, format) => return following::feed(view, scope, *format),
        File::SiteCard => return Ok(previews::of_site(view)),
        File::ProviderCard(slug) => {
            return Ok(snapshot.provider(slug).and_then(|p| previews::of_provider(view, p)));
        }
        File::ModelCard(id) => return Ok(snapshot.model(id).and_then(|m| previews::of_model(view, m))),
        File::ModelChart(id, what) => {
            let chart = snapshot.model(id).and_then(|model| {
                let best = recommended(snapshot, model, view.now).into_iter().next();
                let shown = charts::shown(model, best);
                charts::of_model(snapshot, model, *what, Window::all(), (&shown, best))
            });
            chart.map(|chart| chart.file()).transpose()
        }
        File::Hours(id, tag) => {
            let map = snapshot.model(id).and_then(|model| hours::of_endpoint(&snapshot.hourly, model, tag));
            map.map(|map| map.file()).transpose()
        }
        File::Sessions(id, workload) => {
            let bars = snapshot.model(id).and_then(|m| session_bars::of_workload(snapshot, m, workload));
            bars.map(|bars| bars.file()).transpose()
        }
        File::ProviderChart(slug) => {
            let chart = snapshot.provider(slug).and_then(charts::of_provider);
            chart.map(|chart| chart.file()).transpose()
        }
        File::ProviderBadge(slug, lens) => badge::of_provider(view, slug, *lens),
        File::ModelBadge(id, lens) => badge::of_model(view, id, *lens),
        File::EndpointBadge(id, endpoint) => badge::of_endpoint(view, id, *endpoint),
        File::SiteMap => site_map::site_map(view).map(Some),
    };
    Ok(text?.map(|text| clean(text).into_bytes()))
}

fn source_of(style: &str) -> String {
    let digest = Sha256::digest(style.as_bytes());
    format!("'sha256-{}'", base64(&digest))
}

/// Base64 with padding (RFC 4648), for the hashes in a content security policy.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let part = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = part(0) << 16 | part(1) << 8 | part(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > chunk.len() { '=' } else { digit as char });
        }
    }
    text
}

/// The content security policy of standalone pictures: only their own styles, identified by hash.
pub static PICTURE_POLICY: LazyLock<String> = LazyLock::new(|| {
    let styles = [crate::site::parts::assets::CHART_STYLE, badge::STYLE].map(source_of).join(" ");
    format!("default-src 'none'; style-src {styles}; base-uri 'none'; frame-ancestors 'none'")
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_written_as_policies_want_them() {
        assert_eq!(base64(b"hello"), "aGVsbG8=");
        assert_eq!(base64(b"hell"), "aGVsbA==");
        assert_eq!(base64(b"hel"), "aGVs");
        // The example from the specification: sha256 of "alert('Hello, world.');".
        assert_eq!(
            source_of("alert('Hello, world.');"),
            "'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng='"
        );
    }
}
