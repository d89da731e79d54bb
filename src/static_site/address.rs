//! Maps the addresses of the service to files. Addresses with a query become paths.

use super::names::safe;
use crate::domain::tier::Lens;
use crate::site::{JSON_FEED, PAGES, Query};
use percent_encoding::percent_decode_str;

/// Extensions of files whose path equals their address.
const FILES: [&str; 7] = ["svg", "png", "css", "js", "atom", "xml", "txt"];

/// JSON that is not data of a page: its path equals its address.
const NAMES: &str = "suggest.json";

/// A text that only the service has: it describes the routes of the service.
const FOR_MODELS: &str = "llms.txt";

/// Whether a path is that of a page that answers a query; on a static site, the script answers it with the published
/// index.
pub fn is_question(path: &str) -> bool {
    PAGES.iter().any(|row| row.path == path && row.query == Query::Anywhere)
}

/// The file of an address, which starts with a slash and has no fragment; `None` if only the service can answer it.
/// `workload` is the default workload.
pub fn file_of(address: &str, workload: &str) -> Option<String> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let chosen = Chosen::of(query)?;
    let name = path.strip_prefix('/').filter(|name| *name != FOR_MODELS)?;
    if name.is_empty() {
        return match chosen.lens {
            None => (query.is_empty()).then(|| "index.html".to_owned()),
            Some(_) => Some(format!("tiers{}/index.html", chosen.below(workload))),
        };
    }
    if name == NAMES {
        return query.is_empty().then(|| NAMES.to_owned());
    }
    if let Some(stem) = name.strip_suffix(".json").filter(|_| address.ends_with(JSON_FEED)) {
        return Some(format!("{}.json", parts(stem)));
    }
    if let Some(stem) = name.strip_prefix("api/v1/") {
        let (stem, ending) = data_ending(stem).unwrap_or((stem, "json"));
        return Some(data(stem, &chosen.below(workload), ending));
    }
    if let Some((stem, ending)) = data_ending(name) {
        return Some(data(stem, &chosen.below(workload), ending));
    }
    if let Some((stem, ending)) = name.rsplit_once('.').filter(|(_, ending)| FILES.contains(ending)) {
        let (folder, rest) = stem.split_once('/').unwrap_or(("", stem));
        return match chosen.lens {
            // A badge under a lens.
            Some(lens) if folder == "badge" => Some(format!("badge/{lens}/{}.{ending}", parts(rest))),
            None if query.is_empty() => Some(format!("{}.{ending}", parts(stem))),
            _ => None,
        };
    }
    query.is_empty().then(|| format!("{}/index.html", parts(name)))
}

/// The choices of a query. Other parameters are only for the service.
#[derive(Default)]
struct Chosen {
    lens: Option<Lens>,
    workload: Option<String>,
    mode: Option<String>,
}

impl Chosen {
    fn of(query: &str) -> Option<Self> {
        let mut chosen = Self::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (word, value) = pair.split_once('=')?;
            let value = decoded(value);
            match word {
                "lens" => chosen.lens = Some(value.parse().ok()?),
                "workload" => chosen.workload = Some(value),
                "mode" => chosen.mode = Some(value),
                _ => return None,
            }
        }
        Some(chosen)
    }

    /// The choice as the end of a path, with a leading slash.
    fn below(&self, default: &str) -> String {
        let mut path = String::new();
        if let Some(lens) = self.lens {
            path = format!("/{lens}");
            if lens.needs_workload() {
                path += &format!("/{}", safe(self.workload.as_deref().unwrap_or(default)));
            }
        }
        if let Some(mode) = &self.mode {
            path += &format!("/{}", safe(mode));
        }
        path
    }
}

fn data_ending(name: &str) -> Option<(&str, &'static str)> {
    let json = name.strip_suffix(".json").map(|stem| (stem, "json"));
    json.or_else(|| name.strip_suffix(".csv").map(|stem| (stem, "csv")))
}

/// The file of data, next to its page if there is one, as on the service.
fn data(stem: &str, below: &str, ending: &str) -> String {
    let (route, rest) = stem.split_once('/').map_or((stem, ""), |(route, rest)| (route, rest));
    let route = if route == "index" { "tiers" } else { route };
    let mut prepared = PAGES.iter().filter(|row| row.is_prepared());
    let base = match prepared.find(|row| row.name() == route || row.twin == Some(route)) {
        Some(row) => row.name().to_owned(),
        None => format!("api/v1/{}", safe(route)),
    };
    let rest = if rest.is_empty() { String::new() } else { format!("/{}", parts(rest)) };
    format!("{base}{rest}{below}.{ending}")
}

/// The parts of a path, each decoded and turned into a safe name.
fn parts(path: &str) -> String {
    path.split('/').map(|part| safe(&decoded(part))).collect::<Vec<_>>().join("/")
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_address_has_its_file() {
        for (address, file) in [
            ("/", "index.html"),
            ("/models", "models/index.html"),
            ("/models/a/b-2.5:free", "models/a/b-2.5~3afree/index.html"),
            ("/models/a/b.json", "models/a/b.json"),
            ("/providers/a%2F..%2Fb", "providers/a~2f..~2fb/index.html"),
            ("/?lens=cache", "tiers/cache/index.html"),
            ("/?lens=overall", "tiers/overall/chat/index.html"),
            ("/?lens=cost&workload=rag", "tiers/cost/rag/index.html"),
            ("/?lens=cache&workload=rag", "tiers/cache/index.html"),
            ("/api", "api/index.html"),
            ("/api/v1/tiers", "tiers.json"),
            ("/api/v1/tiers?lens=cost&workload=rag", "tiers/cost/rag.json"),
            ("/tiers.csv?lens=cache", "tiers/cache.csv"),
            ("/api/v1/models/a/b:free", "models/a/b~3afree.json"),
            ("/models/a/b.csv", "models/a/b.csv"),
            ("/api/v1/thresholds", "method.json"),
            ("/api/v1/endpoints", "explore.json"),
            ("/api/v1/endpoints.csv", "explore.csv"),
            ("/changes.feed.json", "changes.feed.json"),
            ("/models/a/b:free/changes.feed.json", "models/a/b~3afree/changes.feed.json"),
            ("/models/a/b/endpoints/x/fp8/changes.atom", "models/a/b/endpoints/x/fp8/changes.atom"),
            ("/method", "method/index.html"),
            ("/api/v1/openapi.json", "api/v1/openapi.json"),
            ("/api/v1/backtest", "api/v1/backtest.json"),
            ("/api/v1/preferences?mode=pin", "api/v1/preferences/pin.json"),
            ("/badge/x.svg", "badge/x.svg"),
            ("/badge/model/a/b:free.svg?lens=cache", "badge/cache/model/a/b~3afree.svg"),
            ("/chart/model/a/b/hit-rate.svg", "chart/model/a/b/hit-rate.svg"),
            ("/assets/hitrate-0f.css", "assets/hitrate-0f.css"),
            ("/changes.atom", "changes.atom"),
        ] {
            assert_eq!(file_of(address, "chat").as_deref(), Some(file), "{address}");
        }
    }

    #[test]
    fn what_only_the_service_can_answer_has_none() {
        for address in [
            "/cost?model=a%2Fb",
            "/?lens=beauty",
            "/?workload=chat",
            "/explore?hit=50",
            "/api/v1/preferences/a/b?target=zed&mode=pin",
            "/badge/x.svg?style=flat",
            "models",
        ] {
            assert_eq!(file_of(address, "chat"), None, "{address}");
        }
    }
}
