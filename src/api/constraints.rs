//! Constraints on parameters that their Rust types do not express. They are written into the API description, so that
//! it rejects everything that the code rejects.

use super::catalogue::{ModelSummary, ProviderSummary, Served};
use super::history::Every;
use super::preference_text::file_name;
use super::table::Format;
use crate::domain::change::ChangeKind;
use crate::domain::quantization::Quantization;
use crate::preferences::targets::{TARGETS, Target};
use crate::snapshot::{ProviderTier, RecentReading};
use crate::table::changes::ChangeGroup;
use crate::table::explore::{Direction, Policy, Sort};
use crate::table::{Offer, Row};
use utoipa::openapi::path::Parameter;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat, Type};
use utoipa::openapi::{OpenApi, RefOr, Schema};

/// The addresses of histories: those of endpoints end in the same way, those of models begin in the same way.
const HISTORIES: &str = "/history";
const HISTORY: &str = "/api/v1/history/";

/// A cursor is a name in hex; an unknown cursor is rejected at run time.
const CURSOR: &str = "^([0-9a-f]{2})+$";
/// Names of workloads.
const WORKLOAD: &str = "^[a-z0-9-]{1,40}$";
/// A region as written into a preference.
const REGION: &str = "^[!-~]{1,60}$";
/// A price in USD per million tokens, a percentage and a number of tokens, as people write them in a form.
const PRICE: &str = "^([0-9]+([.][0-9]+)?)?$";
const PERCENT: &str = "^(0*([0-9]{1,2}([.][0-9]+)?|100([.]0+)?)( *%)?)?$";
const TOKENS: &str = "^([0-9]+([.][0-9]+)?( *[kKmM])?)?$";

/// Adds the accepted values of the parameters to the description.
pub(super) fn constrain(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let parameters = item.get.iter_mut().flat_map(|operation| operation.parameters.iter_mut().flatten());
        for parameter in parameters {
            let RefOr::T(parameter) = parameter else { continue };
            describe(path, parameter);
        }
    }
}

fn describe(path: &str, parameter: &mut Parameter) {
    let names = |names: Vec<String>| ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
    let pattern = |pattern: &str| ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    let owned = |names: &[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
    // A form sends a field that is not chosen as an empty one.
    let choices = |list: &[&str]| names([owned(list), vec![String::new()]].concat());
    let formatted =
        |format: SchemaFormat| ObjectBuilder::new().schema_type(Type::String).format(Some(format));
    let is_history = path.ends_with(HISTORIES) || path.starts_with(HISTORY);
    if (is_history || path == "/api/v1/changes") && ["from", "to"].contains(&parameter.name.as_str()) {
        let either = [KnownFormat::DateTime, KnownFormat::Date].map(SchemaFormat::KnownFormat);
        let either = either.into_iter().fold(OneOfBuilder::new(), |one, format| one.item(formatted(format)));
        parameter.schema = Some(RefOr::T(Schema::OneOf(either.build())));
        return;
    }
    let schema = match parameter.name.as_str() {
        "id" => formatted(SchemaFormat::Custom("uuid".to_owned())),
        "file" => names(TARGETS.iter().map(file_name).collect()),
        "every" => names(owned(&Every::ALL.map(Every::as_str))),
        "format" => names(owned(&Format::ALL.map(Format::as_str))),
        "target" => names(Target::names().map(str::to_owned).collect()),
        "quant_floor" => names(Quantization::all().map(|one| one.to_string()).collect()),
        "kind" => names(owned(&ChangeKind::ALL.map(ChangeKind::as_str))),
        "group" => names(owned(&ChangeGroup::ALL.map(ChangeGroup::as_str))),
        "data" => choices(&Policy::ALL.map(Policy::as_str)),
        "dir" => choices(&Direction::ALL.map(Direction::as_str)),
        "sort" if path == "/api/v1/endpoints" => choices(&Sort::ALL.map(Sort::as_str)),
        "sort" => {
            names(columns(path).iter().flat_map(|name| [(*name).to_owned(), format!("-{name}")]).collect())
        }
        "cursor" => pattern(CURSOR),
        "workload" => pattern(WORKLOAD),
        "region" => pattern(REGION),
        "price" | "list" => pattern(PRICE),
        "hit" => pattern(PERCENT),
        "context" if path == "/api/v1/endpoints" => pattern(TOKENS),
        "variants" => pattern("^(all)?$"),
        _ => return,
    };
    parameter.schema = Some(RefOr::T(Schema::Object(schema.build())));
}

/// The columns that a route can be sorted by.
fn columns(path: &str) -> &'static [&'static str] {
    match path {
        "/api/v1/tiers" => &<ProviderTier as Row<20>>::COLUMNS,
        "/api/v1/models" => &<ModelSummary as Row<10>>::COLUMNS,
        "/api/v1/models/{author}/{slug}" => &<Offer as Row<39>>::COLUMNS,
        "/api/v1/providers" => &<ProviderSummary as Row<11>>::COLUMNS,
        "/api/v1/providers/{slug}" => &<Served as Row<6>>::COLUMNS,
        "/api/v1/readings" => &<RecentReading as Row<27>>::COLUMNS,
        _ => &[],
    }
}
