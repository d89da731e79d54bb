//! Style sheet, scripts and icon: compiled in and named after their content, so browsers may cache them forever.

use crate::prepared::Prepared;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("../../../templates/assets/hitrate.css");
const SCRIPT: &str = concat!(
    include_str!("../../../templates/assets/hitrate.js"),
    include_str!("../../../templates/assets/suggest.js")
);
const THEME: &str = include_str!("../../../templates/assets/theme.js");
/// The style of charts that are served as files.
pub const CHART_STYLE: &str = include_str!("../../../templates/assets/chart.css");
const ICON: &str = include_str!("../../../templates/assets/favicon.svg");

const FOREVER: &str = "public, max-age=31536000, immutable";
const A_DAY: &str = "public, max-age=86400";

/// A file whose address is derived from its content.
struct Asset {
    path: String,
    body: Prepared,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, text: &str) -> Self {
        let hash: String =
            Sha256::digest(text.as_bytes()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self {
            path: format!("/assets/{name}-{hash}.{extension}"),
            body: Prepared::new(content_type, text.as_bytes().to_vec()).cache_control(FOREVER),
        }
    }
}

static STYLE_ASSET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("hitrate", "css", "text/css; charset=utf-8", STYLE));
static SCRIPT_ASSET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("hitrate", "js", "text/javascript; charset=utf-8", SCRIPT));
static THEME_ASSET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("theme", "js", "text/javascript; charset=utf-8", THEME));
static ICON_BODY: LazyLock<Prepared> =
    LazyLock::new(|| Prepared::new("image/svg+xml", ICON.as_bytes().to_vec()).cache_control(A_DAY));

/// The address of the style sheet.
pub fn style_path() -> &'static str {
    &STYLE_ASSET.path
}

/// The address of the script.
pub fn script_path() -> &'static str {
    &SCRIPT_ASSET.path
}

/// The script that applies the reader's choice of colours. It runs before the page is drawn.
pub fn theme_path() -> &'static str {
    &THEME_ASSET.path
}

/// The file at an address; `None` if there is none (an older version, say).
pub fn find(path: &str) -> Option<&'static Prepared> {
    match path {
        "/favicon.svg" => Some(&ICON_BODY),
        _ => [&*STYLE_ASSET, &*SCRIPT_ASSET, &*THEME_ASSET]
            .into_iter()
            .find(|a| a.path == path)
            .map(|a| &a.body),
    }
}
