//! A preference as a file: the plain text for a target, at its own address.

use super::catalogue::written_model;
use super::feed::{freshness, max_age};
use super::preference_query::preference_query;
use super::problem::Problem;
use super::request::{ApiRequest, ModelName, shortened};
use crate::preferences::advise;
use crate::preferences::targets::{TARGETS, Target};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;

preference_query!(
    /// Options of a preference as a file; the name of the file names the target.
    TextQuery {} []
);

/// The extension of texts in a language, and their content type.
fn format_of(language: &str) -> (&'static str, &'static str) {
    const TEXT: &str = "text/plain; charset=utf-8";
    match language {
        "json" | "jsonc" => ("json", "application/json"),
        "yaml" => ("yaml", "application/yaml"),
        "toml" => ("toml", "application/toml"),
        "python" => ("py", TEXT),
        "typescript" => ("ts", TEXT),
        "javascript" => ("js", TEXT),
        "sh" => ("sh", TEXT),
        "ini" => ("ini", TEXT),
        "markdown" => ("md", TEXT),
        _ => ("txt", TEXT),
    }
}

/// The name of the file with a preference for a target: `opencode.json`.
pub(super) fn file_name(target: &Target) -> String {
    format!("{}.{}", target.name, format_of(target.language).0)
}

/// The content types of the files of all targets, each once.
pub(super) fn content_types() -> Vec<&'static str> {
    let mut all: Vec<&str> = TARGETS.iter().map(|target| format_of(target.language).1).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// # Errors
/// 400 with the known names if no target has a file with this name.
fn target_of(file: &str) -> Result<&'static Target, Problem> {
    TARGETS.iter().find(|target| file_name(target) == file).ok_or_else(|| {
        let known: Vec<String> = TARGETS.iter().map(file_name).collect();
        Problem::bad_request(format!(
            "invalid file `{}`; expected one of {}",
            shortened(file),
            known.join(", ")
        ))
    })
}

/// The preference for a model as a file for a target.
///
/// The text alone, without an envelope: `curl -f -o` stores it. `/api/v1/targets` lists the names of the files. A
/// preference that is withheld is not a file: the answer is 404 with the reason.
#[utoipa::path(get, path = "/api/v1/preferences/{author}/{slug}/{file}", operation_id = "preference_file", tag = "preferences",
    params(("author" = String, Path, description = "Part of the model id before the slash"),
        ("slug" = String, Path, description = "Part of the model id after the slash, including the variant"),
        ("file" = String, Path, description = "Name of the file: `file` of `/api/v1/targets`"), TextQuery),
    responses(
    (status = 200, description = "The text", content_type = "text/plain"),
    (status = 304, description = "Not modified: the text still matches `If-None-Match`"),
    (status = 404, description = "Unknown model, no endpoint meets the limits, or the preference is withheld; `detail` gives the reason", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn text(request: ApiRequest<TextQuery, ModelName>) -> Result<Response, Problem> {
    let (snapshot, now) = (&request.snapshot, request.now);
    let (model, file) = request.path.0.rsplit_once('/').ok_or_else(Problem::no_such_route)?;
    let target = target_of(file)?;
    let (_, content_type) = format_of(target.language);
    let mut response =
        request.text_while(freshness(snapshot, now), max_age(snapshot, now), content_type, || {
            let requested = request.query.requested(snapshot, Some(target))?;
            let (model, name) = written_model(snapshot, model)?;
            let preference = advise(snapshot, model, &requested.options(), now).for_name(&name);
            if let Some(unmet) = preference.unmet(model) {
                return Err(Problem::no_endpoint(unmet));
            }
            let answer = target.answer(preference, model);
            let text = answer.rendered.files.into_iter().next().map(|file| file.text);
            match text.filter(|_| answer.preference.provider.is_some()) {
                Some(text) => Ok(text.into_bytes()),
                None => {
                    let why = answer.preference.reason.or_else(|| answer.rendered.notes.into_iter().next());
                    Err(Problem::no_preference(&model.model_id, target.name, &why.unwrap_or_default()))
                }
            }
        })?;
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
