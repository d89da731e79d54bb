//! `hitrate publish`: the site as a folder of files.

use super::{Common, advance, exit, output, progress};
use crate::clock::Clock;
use crate::serve;
use crate::static_site::{self, Options, Report};
use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use clap::Args;
use std::path::PathBuf;
use std::sync::Arc;

/// How many unavailable addresses are listed.
const NAMED: usize = 10;

/// Arguments of `publish`.
#[derive(Debug, Args)]
#[command(
    after_help = "The folder is replaced as a whole or not at all. Files from others (.git, CNAME) are kept.\n\
Links that need a running service point to `serve.public_url` if it is set.\n\n\
Examples:\n  \
hitrate publish --out public\n  \
hitrate publish --out public --url https://me.example/tiers"
)]
pub struct PublishArgs {
    /// Output folder; it must be new, empty, or an earlier publication.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Publish into a folder that holds other files; files with the name of a published file are overwritten.
    #[arg(long)]
    force: bool,
    /// Public URL of the site, such as https://me.example/tiers; adds a site map and images for link previews.
    #[arg(long, value_name = "URL", value_parser = web_address)]
    url: Option<String>,
    /// Publish as if it were this time (RFC 3339), to view recorded days.
    #[arg(long, value_name = "RFC3339")]
    now: Option<DateTime<Utc>>,
}

/// A web address without a query, with the trailing slash removed.
fn web_address(text: &str) -> Result<String, String> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if !is_web || text.contains(['"', '<', '>', '?', '#', ' ']) {
        return Err("expected an http or https URL without a query".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Writes the site of the saved snapshot.
pub fn run(common: &Common, args: &PublishArgs) -> Result<u8> {
    output::check_folder(common, &args.out)?;
    let snapshot = Arc::new(common.snapshot()?);
    let now = args.now.unwrap_or_else(|| Common::clock().now());
    if now < snapshot.as_of {
        bail!("--now is before the data, which are from {}", snapshot.as_of.to_rfc3339());
    }
    let live = common.settings()?.serve.public_url.trim_end_matches('/').to_owned();
    let own = args.url.clone().unwrap_or_default();
    // Pages name the address that their readers will see; without --url, that is the live service's address.
    let named = if own.is_empty() { &live } else { &own };
    let service = serve::for_files(snapshot.clone(), now, named);
    let bar = progress(0, "publishing");
    let options = Options { out: args.out.clone(), force: args.force, live, own };
    let published = static_site::publish(&service, &snapshot, &options, advance(&bar));
    bar.finish_and_clear();
    print_report(common, &published?)
}

fn print_report(common: &Common, report: &Report) -> Result<u8> {
    for address in report.failed.iter().take(NAMED) {
        tracing::warn!(address, "did not respond and was left out");
    }
    common.print(report, || describe(report))?;
    Ok(if report.failed.is_empty() { exit::OK } else { exit::PARTIAL })
}

fn describe(report: &Report) -> String {
    let Report { files, pages, live_links, lost_links, .. } = report;
    let (out, seconds) = (report.out.display(), report.duration_ms as f64 / 1000.0);
    let mebibytes = report.bytes as f64 / f64::from(1 << 20);
    let mut text =
        format!("{out}: {files} files, {pages} of them pages, {mebibytes:.1} MiB, in {seconds:.1} s");
    if *live_links > 0 {
        text += &format!("\n{live_links} links point to the live service");
    }
    if *lost_links > 0 {
        text += &format!(
            "\n{lost_links} links need a live service and are dead; set `serve.public_url` to make them point to one"
        );
    }
    if !report.failed.is_empty() {
        text += &format!("\n{} addresses did not respond and were left out", report.failed.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::web_address;

    #[test]
    fn an_address_is_a_plain_web_one() {
        assert_eq!(web_address("https://me.example/tiers/").as_deref(), Ok("https://me.example/tiers"));
        for wrong in ["me.example", "https://me.example/?a", "javascript:alert(1)", "https://a\"b"] {
            assert!(web_address(wrong).is_err(), "{wrong}");
        }
    }
}
