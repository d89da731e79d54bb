//! Two to six endpoints or providers side by side.

mod endpoints;
mod providers;
mod subjects;

use super::search::Found;
use crate::site::charts::day_chart::DayChart;
use crate::site::parts::shell::{Shell, View};
use crate::site::parts::{Badge, Cell};
use crate::site::registry::Section;
use askama::Template;
use axum::http::StatusCode;
use subjects::{Subjects, subjects};

/// Maximum number of subjects that can be compared.
pub const MOST: usize = 6;
/// Longest name of a subject that is read, characters.
const LONGEST_NAME: usize = 200;
/// Maximum number of picks that the form keeps.
const KEPT: usize = 20;

#[derive(Template)]
#[template(path = "compare.html")]
struct Compare {
    shell: Shell,
    fields: Vec<String>,
    suggestions: Vec<Found>,
    errors: Vec<String>,
    nearest: Vec<Found>,
    own: Option<Found>,
    table: Option<Table>,
}

/// The comparison: one column per subject, one row per measure.
struct Table {
    heads: Vec<Head>,
    groups: Vec<Group>,
    charts: Vec<DayChart>,
    note: &'static str,
    shared: Option<Shared>,
}

struct Head {
    href: String,
    name: String,
    sub: String,
}

struct Group {
    title: &'static str,
    rows: Vec<Measure>,
}

struct Measure {
    name: String,
    unit: String,
    cells: Vec<Shown>,
}

enum Shown {
    Number(Cell),
    Words(String),
    Tier(Badge, String),
}

/// The models that all compared providers serve.
struct Shared {
    workload: String,
    rows: Vec<SharedModel>,
    more: usize,
}

struct SharedModel {
    href: String,
    model_id: String,
    cells: Vec<Cell>,
}

impl Shown {
    fn number(&mut self) -> Option<&mut Cell> {
        match self {
            Self::Number(cell) => Some(cell),
            Self::Words(_) | Self::Tier(..) => None,
        }
    }
}

/// How a row of numbers is written: the format, the text if a number is absent, and which one is the best.
type Style<'a> = (fn(f64) -> String, &'a str, Best);

/// A row of numbers, one per subject, with the best one highlighted.
fn numbers<T>(all: &[T], name: &str, unit: &str, value: impl Fn(&T) -> Option<f64>, style: Style) -> Measure {
    let values: Vec<Option<f64>> = all.iter().map(value).collect();
    let cells = cells(&values, style).map(Shown::Number).collect();
    Measure { name: name.to_owned(), unit: unit.to_owned(), cells }
}

/// The cells of a row of numbers.
fn cells<'a>(values: &'a [Option<f64>], (format, absent, best): Style<'a>) -> impl Iterator<Item = Cell> {
    let known = values.iter().flatten().copied().filter(|v| v.is_finite());
    let chosen = match best {
        Best::Lowest => known.clone().min_by(f64::total_cmp),
        Best::Highest => known.clone().max_by(f64::total_cmp),
        Best::None => None,
    };
    // Values that read the same are equal. If all are equal, none is the best.
    let chosen = chosen.map(format);
    let differ = known.clone().any(|v| Some(format(v)) != chosen);
    values.iter().map(move |value| {
        let cell = Cell::number(*value, format, absent);
        let best = differ && value.filter(|v| v.is_finite()).map(format) == chosen;
        if best && chosen.is_some() { cell.best() } else { cell }
    })
}

/// A row of texts, one per subject.
fn words<T>(all: &[T], name: &str, text: impl Fn(&T) -> String) -> Measure {
    let cells = all.iter().map(|subject| Shown::Words(text(subject))).collect();
    Measure { name: name.to_owned(), unit: String::new(), cells }
}

/// Which value of a row is the best one.
#[derive(Clone, Copy)]
enum Best {
    Lowest,
    Highest,
    None,
}

/// Renders the comparison of the named subjects, or an explanation of what is wrong with the names.
///
/// # Errors
/// If the template cannot be rendered.
pub fn render(view: &View, names: &[String]) -> askama::Result<(StatusCode, String)> {
    let snapshot = view.snapshot.as_ref();
    let names: Vec<String> =
        names.iter().map(|name| name.trim().chars().take(LONGEST_NAME).collect()).collect();
    let mut picked: Vec<&str> = Vec::new();
    for name in names.iter().map(String::as_str).filter(|name| !name.is_empty()) {
        if !picked.contains(&name) {
            picked.push(name);
        }
    }
    let (found, wrong) = subjects(snapshot, &picked);
    let table = found.map(|found| match found {
        Subjects::Endpoints(all) => endpoints::table(snapshot, &all),
        Subjects::Providers(all) => providers::table(snapshot, &all),
    });
    // What was picked stays in the form, also what is too much, so that it can be corrected.
    let mut fields: Vec<String> = picked.iter().take(KEPT).map(|name| (*name).to_owned()).collect();
    fields.resize(fields.len().max(MOST), String::new());
    let about = "Two to six endpoints or providers side by side: prices, hit rates, uptime and speed.";
    let page = Compare {
        shell: Shell::new(view, Section::Explore, "compare", about).at("/compare"),
        fields,
        suggestions: snapshot.providers.iter().map(Found::provider).collect(),
        errors: wrong.errors,
        nearest: wrong.nearest,
        own: wrong.own,
        table,
    };
    Ok((wrong.status, page.render()?))
}
