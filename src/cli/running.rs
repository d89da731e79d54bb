//! Access to a server that runs on the same data folder: it holds the store, so verbs that need the store go through
//! it.

use super::{Common, exit, print_text, runtime};
use crate::config::Config;
use crate::fetch::{OnceAnswer, get_json_once, post_json_once};
use crate::pipeline::{DataDir, open_store};
use crate::serve::Announced;
use crate::store::{Store, StoreError};
use anyhow::{Context, Result, bail};
use clap::Args;
use serde::de::DeserializeOwned;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

/// How long a verb waits for the server's response.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long it waits for an acceptance: the server stores the run and all later ones again.
const ACCEPT_PATIENCE: Duration = Duration::from_secs(3600);

/// How long a server on this machine may take to accept a connection.
const CONNECTED_WITHIN: Duration = Duration::from_secs(2);

/// Arguments of `healthcheck`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate healthcheck\n  \
hitrate healthcheck --url http://127.0.0.1:8080")]
pub struct HealthcheckArgs {
    /// URL of the server [default: the one announced in the data folder, otherwise http://127.0.0.1:8080].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Requests `/livez`; exit code 0 if the server is healthy, 1 if not.
pub fn healthcheck(common: &Common, args: &HealthcheckArgs) -> Result<u8> {
    let announced = Announced::read(&common.data()).map(|server| server.url);
    let base = args.url.clone().or(announced).unwrap_or_else(|| "http://127.0.0.1:8080".into());
    let url = format!("{}/livez", base.trim_end_matches('/'));
    let answer = runtime()?.block_on(get_json_once(&url, None, Duration::from_secs(5)))?;
    if answer.status != 200 {
        bail!("{url} responded with status {}", answer.status);
    }
    print_text("ok")?;
    Ok(exit::OK)
}

/// The settings, or else the defaults and why the settings cannot be used, in words.
///
/// # Errors
/// If the defaults cannot be read.
pub fn settings_or_defaults(common: &Common) -> Result<(Config, Option<String>)> {
    match common.settings() {
        Ok(config) => Ok((config, None)),
        Err(error) => Ok((Config::parse("", Path::new("hitrate.toml"))?, Some(super::in_words(&error)))),
    }
}

/// Reads from the store of the data folder, or requests `path` from the running server that holds the store. `what` names
/// the answer in an error.
///
/// # Errors
/// If there is no store, it cannot be opened or read, or the server does not respond with such an answer.
pub fn read_or_ask<T: DeserializeOwned>(
    common: &Common,
    (what, path): (&str, &str),
    read: impl FnOnce(&Store) -> Result<T>,
) -> Result<T> {
    let found = read_or_ask_each(common, what, &[path.to_owned()], read)?;
    found.into_iter().next().with_context(|| format!("there is no answer with {what}"))
}

/// The same for an answer that a server sends in several parts, one for each path. From the store, it is one part.
///
/// # Errors
/// See [`read_or_ask`].
pub fn read_or_ask_each<T: DeserializeOwned>(
    common: &Common,
    what: &str,
    paths: &[String],
    read: impl FnOnce(&Store) -> Result<T>,
) -> Result<Vec<T>> {
    read_or_ask_as(&common.settings()?, common, what, paths, read)
}

/// The same with given settings, for commands that also work if those of the user cannot be read.
///
/// # Errors
/// See [`read_or_ask`].
pub fn read_or_ask_as<T: DeserializeOwned>(
    config: &Config,
    common: &Common,
    what: &str,
    paths: &[String],
    read: impl FnOnce(&Store) -> Result<T>,
) -> Result<Vec<T>> {
    let data = common.data();
    // The file was deleted, but the server still has it open. Opening it here would create another one.
    if !data.store().exists() && has_server(&data) {
        return paths.iter().map(|path| ask(&data, what, path)).collect();
    }
    let data = common.recorded()?;
    match open_store(config, &data) {
        Ok(store) => Ok(vec![read(&store)?]),
        Err(StoreError::Locked { .. }) if has_server(&data) => {
            paths.iter().map(|path| ask(&data, what, path)).collect()
        }
        Err(error) => Err(error.into()),
    }
}

/// Requests `path` from the running server of a data folder.
fn ask<T: DeserializeOwned>(data: &DataDir, what: &str, path: &str) -> Result<T> {
    let (url, token) = address(data, path)?;
    let body = accepted(runtime()?.block_on(get_json_once(&url, Some(&token), PATIENCE))?)?;
    serde_json::from_slice(&body).with_context(|| format!("the server's response is not {what}"))
}

/// Whether a server that has announced itself in a data folder accepts connections. If the store is in use and there is no
/// such server, the process that holds it cannot be queried, and the error that names it is reported. A server that was
/// killed leaves its announcement.
pub fn has_server(data: &DataDir) -> bool {
    let url = Announced::read(data).map(|server| server.url).unwrap_or_default();
    let address: Option<SocketAddr> = url.strip_prefix("http://").and_then(|address| address.parse().ok());
    address.is_some_and(|address| TcpStream::connect_timeout(&address, CONNECTED_WITHIN).is_ok())
}

/// A text as the value of a query parameter.
pub fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// Posts to the running server of a data folder and returns the body.
///
/// # Errors
/// If no server has announced itself, or it does not respond with 200.
pub fn post(data: &DataDir, path: &str) -> Result<Vec<u8>> {
    let (url, token) = address(data, path)?;
    accepted(runtime()?.block_on(post_json_once(&url, Some(&token), ACCEPT_PATIENCE))?)
}

/// The URL of a path on the running server, and the token that it requires.
fn address(data: &DataDir, path: &str) -> Result<(String, String)> {
    let server = Announced::read(data).with_context(|| {
        format!("the store in {} is in use by a process that is not a hitrate server", data.path().display())
    })?;
    Ok((format!("{}{path}", server.url), server.token))
}

fn accepted(answer: OnceAnswer) -> Result<Vec<u8>> {
    if answer.status != 200 {
        bail!("the server that holds the store responded: {}", String::from_utf8_lossy(&answer.body).trim());
    }
    Ok(answer.body)
}
