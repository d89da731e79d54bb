//! Where the tools send their requests: to the routes of the API in this process, or to a server.

use super::address::Address;
use super::failure::{Failure, Problem};
use crate::fetch::ApiClient;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use tower::ServiceExt;

/// Longest path and query, bytes. Arguments come from the client.
const LONGEST_ADDRESS: usize = 8_000;
/// Largest answer of the API, bytes.
const MOST_BYTES: usize = 64 << 20;
/// Entries of a page, and the most pages of a list that are read.
const PAGE: usize = 500;
const MOST_PAGES: usize = 20;

/// Runs before each request to the routes of this process, outside of the async workers.
type Refresh = Arc<dyn Fn() + Send + Sync>;

/// The API that the tools query.
#[derive(Clone)]
pub struct Source(Kind);

#[derive(Clone)]
enum Kind {
    Routes(Router, Option<Refresh>),
    Server(Arc<ApiClient>),
}

impl Source {
    /// The routes of the API in this process.
    pub fn routes(api: Router) -> Self {
        Self(Kind::Routes(api, None))
    }

    /// The routes of the API in this process; `refresh` runs before each request and may load newer data.
    pub fn refreshed(api: Router, refresh: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Kind::Routes(api, Some(Arc::new(refresh))))
    }

    /// The API of a server.
    pub fn server(client: ApiClient) -> Self {
        Self(Kind::Server(Arc::new(client)))
    }

    /// Checks that the API answers and has data.
    ///
    /// # Errors
    /// Why it does not, and what to do.
    pub async fn check(&self) -> Result<(), Failure> {
        self.get(&Address::of("/api/v1/workloads")).await.map(drop)
    }

    /// The answer of the API to a GET.
    pub(super) async fn get(&self, address: &Address) -> Result<Received, Failure> {
        let address = address.to_string();
        if address.len() > LONGEST_ADDRESS {
            return Err(Failure::Argument("the arguments are too long".to_owned()));
        }
        let (status, body) = match &self.0 {
            Kind::Routes(api, refresh) => routed(api, refresh.clone(), &address).await?,
            Kind::Server(client) => {
                let answer = client.get(&address).await?;
                (answer.status, answer.body)
            }
        };
        if status == 200
            && let Ok(Envelope { data, meta }) = serde_json::from_slice(&body)
        {
            return Ok(Received { data, meta });
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(Failure::Refused(problem)),
            Err(_) => Err(Failure::NotTheApi { address, status }),
        }
    }

    /// All entries of a list that comes in pages, as far as [`MOST_PAGES`] pages hold them, and what is known about the
    /// list.
    pub(super) async fn list(&self, address: &Address) -> Result<Listed, Failure> {
        let (mut entries, mut meta, mut cursor) = (Vec::new(), Map::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let page = address.clone().with("limit", PAGE);
            let page = match &cursor {
                Some(cursor) => page.with("cursor", cursor),
                None => page,
            };
            let received = self.get(&page).await?;
            meta = received.meta;
            if let Value::Array(list) = received.data {
                entries.extend(list);
            }
            cursor = meta.remove("next_cursor").and_then(|next| next.as_str().map(str::to_owned));
            if cursor.is_none() {
                break;
            }
        }
        Ok(Listed { entries, meta, is_complete: cursor.is_none() })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Routes(..) => f.write_str("the routes of this process"),
            Kind::Server(client) => f.write_str(client.base()),
        }
    }
}

async fn routed(api: &Router, refresh: Option<Refresh>, address: &str) -> Result<(u16, Vec<u8>), Failure> {
    if let Some(refresh) = refresh
        && let Err(error) = tokio::task::spawn_blocking(move || refresh()).await
    {
        tracing::error!(%error, "cannot look for newer data");
    }
    let unusable = |status| Failure::NotTheApi { address: address.to_owned(), status };
    let request = Request::get(address).body(Body::empty()).map_err(|_| unusable(400))?;
    let response = match api.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), MOST_BYTES).await.map_err(|_| unusable(status))?;
    Ok((status, body.to_vec()))
}

/// An answer of the API.
#[derive(Debug)]
pub(super) struct Received {
    /// Its `data`.
    pub data: Value,
    /// Its `meta`.
    pub meta: Map<String, Value>,
}

/// A list of the API.
#[derive(Debug)]
pub(super) struct Listed {
    /// Its entries.
    pub entries: Vec<Value>,
    /// The `meta` of its last page, without the cursor.
    pub meta: Map<String, Value>,
    /// Whether these are all entries.
    pub is_complete: bool,
}

#[derive(Deserialize)]
struct Envelope {
    data: Value,
    meta: Map<String, Value>,
}
