//! HTTPS with a local authority, HTTP/2, and certificates that must not be trusted.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, Version};
use hitrate::domain::reading::RunStatus;
use hitrate::fetch::{self, FetchConfig};
use hitrate::simulator::{Simulator, http_date};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, date_time_ymd};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::{QUICK, tiny};
use crate::rig::folder;
use crate::upstream::{collect_from, day, pipeline_with};

/// A certificate authority of a test.
pub struct Authority {
    /// Its certificate, PEM.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("valid");
        // Authorities of one name with other keys would be told apart by the signature alone.
        params.distinguished_name.push(DnType::CommonName, uuid::Uuid::now_v7().to_string());
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A certificate for names, valid until the end of a year.
    fn certificate(&self, names: &[&str], last_year: i32) -> (CertificateDer<'static>, KeyPair) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("valid names");
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.der().clone(), key)
    }
}

/// The simulated upstream behind TLS.
pub struct TlsFront {
    /// Where it listens.
    pub address: SocketAddr,
    /// The versions of HTTP of its requests.
    versions: Arc<Mutex<Vec<Version>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsFront {
    /// Serves the tiny world on a loopback address, as it is on day 11; `protocols` are those offered by ALPN.
    pub async fn serve(
        authority: &Authority,
        (names, last_year): (&[&str], i32),
        protocols: &[&str],
        listen: &str,
    ) -> Self {
        let (certificate, key) = authority.certificate(names, last_year);
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate with its key");
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(listen).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let versions = Arc::new(Mutex::default());
        let (seen, world) = (Arc::clone(&versions), tiny());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(acceptor.clone(), stream, seen.clone(), world.clone()));
            }
        });
        Self { address, versions, task }
    }

    fn versions(&self) -> Vec<Version> {
        self.versions.lock().expect("not poisoned").clone()
    }
}

async fn connection(
    acceptor: TlsAcceptor,
    stream: tokio::net::TcpStream,
    seen: Arc<Mutex<Vec<Version>>>,
    world: Arc<Simulator>,
) {
    // A client that does not trust the certificate ends the handshake.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request: Request<Incoming>| {
        seen.lock().expect("not poisoned").push(request.version());
        let uri = request.uri();
        let (status, body) = world.body(uri.path(), uri.query().unwrap_or_default(), day(11));
        let mut response = Response::new(Body::from(body.unwrap_or_default()));
        *response.status_mut() = StatusCode::from_u16(status).expect("a status");
        response.headers_mut().insert("date", http_date(day(11)).parse().expect("a date"));
        async { Ok::<_, Infallible>(response) }
    });
    let stream = TokioIo::new(stream);
    if is_h2 {
        // An error is the client's: it closed the connection.
        let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(stream, service)
            .await;
    } else {
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(stream, service).await;
    }
}

/// Names of this machine; the last one is known by its ending alone.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "upstream.localhost"];

/// The settings that trust an authority whose certificate is in the data folder.
pub const TRUSTING: &str = "[upstream]\nca_file = \"ca.pem\"\n";

/// Collects from `https://HOST:PORT`; the data folder has the certificate of `trusted`, if there is one.
async fn collected(front: &TlsFront, host: &str, trusted: Option<&Authority>) -> (RunStatus, Vec<String>) {
    let data = folder();
    let mut settings = QUICK.to_owned();
    if let Some(authority) = trusted {
        std::fs::write(data.path().join("ca.pem"), &authority.pem).expect("written");
        settings.push_str(TRUSTING);
    }
    let pipeline = pipeline_with(data.path(), &settings);
    let url = format!("https://{host}:{}", front.address.port());
    let report = collect_from(&pipeline, &url, day(11)).await;
    (report.status, report.failures)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_with_a_trusted_local_authority_is_collected_over_both_versions_of_http() {
    let authority = Authority::new();
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"], Version::HTTP_11),
        (&[], Version::HTTP_11),
    ] {
        let front = TlsFront::serve(&authority, (&NAMES, 2100), protocols, "127.0.0.1:0").await;
        for host in NAMES {
            let (status, failures) = collected(&front, host, Some(&authority)).await;
            assert_eq!(status, RunStatus::Ok, "{host} {protocols:?}: {failures:?}");
        }
        let versions = front.versions();
        assert!(versions.len() > 20 && versions.iter().all(|one| *one == version), "{versions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_on_ipv6_is_collected() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6 on loopback");
        return;
    }
    let authority = Authority::new();
    let front = TlsFront::serve(&authority, (&["::1"], 2100), &["h2"], "[::1]:0").await;
    let (status, failures) = collected(&front, "[::1]", Some(&authority)).await;
    assert_eq!(status, RunStatus::Ok, "{failures:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_must_not_be_trusted_fails_the_run_with_the_reason() {
    let (own, other) = (Authority::new(), Authority::new());
    for (names, last_year, trusted, words) in [
        (&["localhost"][..], 2100, Some(&other), "an authority that this machine does not trust"),
        (&["localhost"], 2100, None, "upstream.ca_file"),
        (&["elsewhere.example"], 2100, Some(&own), "the certificate of localhost is for another name"),
        (&["localhost"], 2021, Some(&own), "the certificate of localhost has expired"),
    ] {
        let front = TlsFront::serve(&own, (names, last_year), &["h2"], "127.0.0.1:0").await;
        let (status, failures) = collected(&front, "localhost", trusted).await;
        assert_eq!(status, RunStatus::Failed);
        assert!(failures.iter().any(|line| line.contains(words)), "{words}: {failures:?}");
        assert_eq!(front.versions(), Vec::<Version>::new(), "no request is sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_check_trusts_what_a_sweep_trusts_and_gives_the_same_reasons() {
    let (own, data) = (Authority::new(), folder());
    let ca = data.path().join("ca.pem");
    std::fs::write(&ca, &own.pem).expect("written");
    let patience = std::time::Duration::from_secs(10);
    let ask = async |url: &str, ca_file: Option<&std::path::Path>| {
        let config = FetchConfig { ca_file: ca_file.map(Into::into), ..FetchConfig::default() };
        fetch::reach(url, &config, patience).await
    };
    let front = TlsFront::serve(&own, (&NAMES, 2100), &["h2"], "127.0.0.1:0").await;
    for host in NAMES {
        let url = format!("https://{host}:{}", front.address.port());
        let reached = ask(&url, Some(&ca)).await.expect("a response");
        assert!(reached.date.is_some(), "{host}: {reached:?}");
        let refused = ask(&url, None).await.expect_err("not trusted").to_string();
        assert!(refused.contains("upstream.ca_file"), "{host}: {refused}");
    }
    let config = hitrate::config::Config::parse(TRUSTING, &data.path().join("hitrate.toml")).expect("valid");
    let named = hitrate::pipeline::DataDir::new(data.path()).ca_file(&config);
    assert_eq!(named, Some(ca), "the setting is relative to the data folder");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_speaks_no_tls_is_named() {
    let upstream = super::upstream().await;
    let data = folder();
    let pipeline = pipeline_with(data.path(), QUICK);
    let url = upstream.base_url().replace("http://", "https://");
    let report = collect_from(&pipeline, &url, day(11)).await;
    assert_eq!(report.status, RunStatus::Failed);
    assert!(
        report.failures.iter().any(|line| line.contains("TLS with 127.0.0.1 failed")),
        "{:?}",
        report.failures
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_authorities_that_cannot_be_used_is_an_error_with_its_name() {
    for (content, words) in [(None, "ca.pem"), (Some("not a certificate"), "ca.pem")] {
        let data = folder();
        if let Some(content) = content {
            std::fs::write(data.path().join("ca.pem"), content).expect("written");
        }
        let pipeline = pipeline_with(data.path(), TRUSTING);
        let options = hitrate::pipeline::CollectOptions { at: Some(day(11)), ..Default::default() };
        let cancel = tokio_util::sync::CancellationToken::new();
        let error = pipeline.collect(&options, &cancel, |_, _| {}).await.expect_err("refused").to_string();
        assert!(error.contains("upstream.ca_file") && error.contains(words), "{error}");
    }
}
