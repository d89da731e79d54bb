//! The `.json`, `.csv` and `.parquet` names of pages: the same answer as in the API, under the page's own path.
//!
//! `/models/a/b.json` is `/api/v1/models/a/b`, and `/tiers.csv?lens=cache` is `/api/v1/tiers?lens=cache&format=csv`.
//! The path is rewritten before it is routed, so that both names of an answer share its prepared body.

use super::parts::link;
use super::registry::PAGES;
use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use tower::ServiceExt;
use tower::util::MapRequest;

/// Names without a page of their own, and the routes of the API with their content.
const MORE: [(&str, &str); 2] = [("index", "tiers"), (READINGS, READINGS)];
/// The recent readings, which no page shows.
const READINGS: &str = "readings";
/// The histories of models, which no page shows.
const HISTORY: &str = "history";
/// The endings of tables, each the name of its format.
const TABLES: [&str; 2] = ["csv", "parquet"];

/// Routes that also answer under the `.json`, `.csv` and `.parquet` names of the pages.
pub type Aliased = MapRequest<Router, fn(Request) -> Request>;

/// Wraps a router so that it also answers under the `.json`, `.csv` and `.parquet` names of its pages.
pub fn with_aliases(router: Router) -> Aliased {
    ServiceExt::<Request>::map_request(router, renamed)
}

fn renamed(mut request: Request) -> Request {
    let uri = request.uri();
    if let Some(address) = twin(uri.path(), uri.query())
        && let Ok(address) = PathAndQuery::try_from(address)
    {
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(address);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// The API path and query that a page's `.json`, `.csv` or `.parquet` name maps to.
fn twin(path: &str, query: Option<&str>) -> Option<String> {
    let (stem, ending) = path.rsplit_once('.').filter(|_| !path.ends_with(link::JSON_FEED))?;
    let table = TABLES.into_iter().find(|format| *format == ending);
    if table.is_none() && ending != "json" {
        return None;
    }
    let (route, below) = match stem.strip_prefix("/api/v1/") {
        // The API returns JSON anyway, and its own description is named `openapi.json`.
        Some(_) if table.is_none() => return None,
        Some(own) => own.split_once('/').map_or((own, None), |(route, below)| (route, Some(below))),
        None => page(stem.strip_prefix('/')?)?,
    };
    if table.is_some() && !is_table_route(route) {
        return None;
    }
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let (of, mut pairs): (Vec<&str>, Vec<&str>) =
        pairs.partition(|pair| route == "cost" && pair.starts_with("model="));
    let below = below.or_else(|| of.first()?.strip_prefix("model=").filter(|model| !model.is_empty()));
    let format = table.map(|format| format!("format={format}"));
    pairs.extend(format.as_deref());
    let mut address = format!("/api/v1/{route}");
    for (mark, part) in [('/', below.unwrap_or_default()), ('?', pairs.join("&").as_str())] {
        if !part.is_empty() {
            address.push(mark);
            address += part;
        }
    }
    Some(address)
}

/// Whether a route of the API returns a table, as do the routes below it.
fn is_table_route(route: &str) -> bool {
    [READINGS, HISTORY].contains(&route) || PAGES.iter().any(|row| row.has_table && row.twin == Some(route))
}

/// The route with the content of a page, and the rest of the path: the name of a model or provider.
fn page(name: &str) -> Option<(&'static str, Option<&str>)> {
    let (first, below) = name.split_once('/').map_or((name, None), |(first, below)| (first, Some(below)));
    let named = PAGES.iter().find(|row| row.name() == first).and_then(|row| row.twin);
    let route = named.or_else(|| MORE.iter().find(|(name, _)| *name == first).map(|(_, route)| *route))?;
    match below {
        None => Some((route, None)),
        Some("") => None,
        Some(below) => ["models", "providers"].contains(&first).then_some((route, Some(below))),
    }
}

#[cfg(test)]
mod tests {
    use super::twin;

    #[test]
    fn pages_and_tables_have_their_names() {
        for (path, query, address) in [
            ("/tiers.json", Some("lens=cache"), "/api/v1/tiers?lens=cache"),
            ("/index.json", None, "/api/v1/tiers"),
            ("/tiers.csv", Some("lens=cache"), "/api/v1/tiers?lens=cache&format=csv"),
            ("/models/a/b-2.5:free.json", None, "/api/v1/models/a/b-2.5:free"),
            ("/models/a%2Fb.csv", Some("sort=-hit_rate"), "/api/v1/models/a%2Fb?sort=-hit_rate&format=csv"),
            ("/providers/x.json", None, "/api/v1/providers/x"),
            ("/api/v1/providers.csv", None, "/api/v1/providers?format=csv"),
            ("/api/v1/models/a/b.csv", None, "/api/v1/models/a/b?format=csv"),
            (
                "/api/v1/endpoints.parquet",
                Some("variants=all"),
                "/api/v1/endpoints?variants=all&format=parquet",
            ),
            ("/explore.parquet", None, "/api/v1/endpoints?format=parquet"),
            (
                "/api/v1/endpoints/a/b/x/fp8/history.csv",
                Some("every=hour"),
                "/api/v1/endpoints/a/b/x/fp8/history?every=hour&format=csv",
            ),
            ("/api/v1/history/a/b.parquet", None, "/api/v1/history/a/b?format=parquet"),
            ("/method.json", None, "/api/v1/thresholds"),
            ("/explore.csv", Some("hit=50&sort=hit"), "/api/v1/endpoints?hit=50&sort=hit&format=csv"),
            ("/search.json", Some("q=a+b"), "/api/v1/models?q=a+b"),
            ("/cost.json", Some("model=a%2Fb&turns=3"), "/api/v1/cost/a%2Fb?turns=3"),
            ("/cost.json", Some("model=&turns=3"), "/api/v1/cost?turns=3"),
        ] {
            assert_eq!(twin(path, query).as_deref(), Some(address), "{path}");
        }
    }

    #[test]
    fn everything_else_keeps_its_name() {
        for path in [
            "/",
            "/tiers",
            "/changes.feed.json",
            "/models/a/b/changes.feed.json",
            "/status.csv",
            "/cost.csv",
            "/api/v1/status.csv",
            "/api/v1/openapi.json",
            "/api/v1/preferences/a/b/opencode.json",
            "/status.parquet",
            "/compare.csv",
            "/status/x.json",
            "/models/.json",
            "/assets/a.json",
            "/.json",
            ".csv",
            "/tiers/x.csv",
            "/api/v2/tiers.csv",
        ] {
            assert_eq!(twin(path, None), None, "{path}");
        }
    }
}
