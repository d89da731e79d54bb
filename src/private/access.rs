//! Who may use the private listener: clients with the token, and browsers on this machine that logged in with it.

use super::reply::Form;
use super::token::{Token, random};
use crate::mcp::Gate;
use crate::secret::is_same;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// The address of the form.
pub const LOGIN: &str = "/login";
/// Largest body of the form, bytes.
const LARGEST_FORM: usize = 4096;

/// What decides whether a request is admitted.
pub struct Access {
    token: Token,
    gate: Gate,
    /// Name of the cookie. Browsers send cookies to every port of a machine, so the name has the port.
    cookie: String,
    /// Value of the cookie; it is valid until the server stops.
    secret: String,
    secret_digest: [u8; 32],
    /// Whether browsers reach the listener over https only.
    is_https: bool,
    login_page: String,
}

impl Access {
    /// The access to a listener on this port; `public_url` is the URL of a reverse proxy before it, or empty.
    pub fn new(token: Token, public_url: &str, port: u16, login_page: String) -> Self {
        let secret = random();
        let secret_digest = Sha256::digest(secret.as_bytes()).into();
        Self {
            token,
            gate: Gate::strict(public_url),
            cookie: format!("hitrate-private-{port}"),
            secret,
            secret_digest,
            is_https: public_url.starts_with("https://"),
            login_page,
        }
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        let stated = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = stated.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        token.is_some_and(|token| self.token.is(token))
    }

    fn has_cookie(&self, headers: &HeaderMap) -> bool {
        let lists = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut values =
            lists.flat_map(|list| list.split(';')).filter_map(|pair| pair.trim().split_once('='));
        values.any(|(name, value)| {
            name == self.cookie && is_same(&self.secret_digest, &Sha256::digest(value.as_bytes()))
        })
    }

    /// Sends the browser to an address of this listener, with the cookie.
    fn logged_in(&self, to: &str) -> Response {
        let secure = if self.is_https { "; Secure" } else { "" };
        let cookie = format!("{}={}; Path=/; HttpOnly; SameSite=Strict{secure}", self.cookie, self.secret);
        let mut response = StatusCode::SEE_OTHER.into_response();
        let headers = response.headers_mut();
        headers.insert(LOCATION, HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/")));
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            headers.insert(SET_COOKIE, value);
        }
        response
    }

    fn login(&self) -> Response {
        (StatusCode::UNAUTHORIZED, Html(self.login_page.clone())).into_response()
    }
}

/// Whether the peer of a request is on this machine; a reverse proxy on this machine is.
fn is_local(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback())
}

/// The path of an address without the token in its query.
fn without_token(uri: &Uri) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("token="))
        .collect();
    // Two slashes at the start would name another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    if kept.is_empty() { path } else { format!("{path}?{}", kept.join("&")) }
}

fn words(query: &str) -> HashMap<String, String> {
    let uri = format!("/?{query}").parse::<Uri>();
    uri.ok().and_then(|uri| Query::try_from_uri(&uri).ok()).map(|Query(words)| words).unwrap_or_default()
}

/// Admits a request, or answers it.
pub async fn check(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let form = Form::of(request.headers()).filter(|_| path.starts_with("/otlp/")).unwrap_or(Form::Json);
    if let Err(reason) = access.gate.admit(request.uri(), request.headers()) {
        return form.rejected(StatusCode::FORBIDDEN, &reason, None);
    }
    if path.starts_with("/assets/") || access.has_token(request.headers()) {
        return next.run(request).await;
    }
    // Telemetry needs the token itself: no page can send it with a cookie.
    let is_page = !path.starts_with("/otlp/") && is_local(&request);
    if is_page && path == LOGIN && request.method() == Method::POST {
        return submitted(&access, request).await;
    }
    if is_page && request.method() == Method::GET {
        let token = words(request.uri().query().unwrap_or_default()).remove("token");
        if token.is_some_and(|token| access.token.is(&token)) {
            return access.logged_in(&without_token(request.uri()));
        }
    }
    if is_page && access.has_cookie(request.headers()) {
        return next.run(request).await;
    }
    if is_page && !path.starts_with("/own/") {
        return access.login();
    }
    let message = "expected the header `Authorization: Bearer TOKEN`; the server prints where the token is when it starts";
    let mut response = form.rejected(StatusCode::UNAUTHORIZED, message, None);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// The form was submitted. A browser sends `Origin` with it, which the gate has checked.
async fn submitted(access: &Access, request: Request) -> Response {
    let body = to_bytes(request.into_body(), LARGEST_FORM).await.unwrap_or_default();
    let token = std::str::from_utf8(&body).ok().and_then(|body| words(body).remove("token"));
    match token {
        Some(token) if access.token.is(token.trim()) => access.logged_in("/"),
        _ => access.login(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_leaves_the_address_and_no_other_host_gets_in() {
        let left = |uri: &str| without_token(&uri.parse().expect("an address"));
        assert_eq!(left("/sessions?token=x&model=a%2Fb"), "/sessions?model=a%2Fb");
        assert_eq!(left("/?token=x"), "/");
        assert_eq!(left("//example.org/?token=x"), "/example.org/");
        assert_eq!(words("token=a%26b").get("token").map(String::as_str), Some("a&b"));
    }
}
