//! A table of a model's endpoints: columns without any value are left out, and a note lists them.

use super::{Badge, Cell, flags, link};
use crate::snapshot::{Endpoint, ModelEntry};
use askama::Template;
use askama::filters::HtmlSafe;

/// A column of the table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    /// A second, smaller line; empty if there is none.
    pub small: &'static str,
    /// Whether narrow screens leave it out.
    pub is_wide: bool,
    /// Whether its cells are numbers, which are aligned to the right.
    pub is_number: bool,
}

impl Column {
    /// A column of numbers.
    pub const fn new(title: &'static str, small: &'static str) -> Self {
        Self { title, small, is_wide: false, is_number: true }
    }

    /// A column of texts.
    pub const fn words(title: &'static str) -> Self {
        Self { title, small: "", is_wide: false, is_number: false }
    }

    /// The same column, left out on narrow screens.
    pub const fn wide(self) -> Self {
        Self { is_wide: true, ..self }
    }
}

/// One endpoint with a cell for each column.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    pub of: &'a Endpoint,
    pub href: String,
    /// Its name in the form of the comparison.
    pub key: String,
    /// Marks after its name: class and text.
    pub marks: Vec<(&'static str, &'static str)>,
    /// Since when its tier has held.
    pub held: Option<String>,
    pub cells: Vec<Cell>,
}

impl<'a> Row<'a> {
    pub fn new(model: &ModelEntry, of: &'a Endpoint, cells: Vec<Cell>) -> Self {
        Self {
            href: link::endpoint_of(model, of),
            key: link::endpoint_name(&model.model_id, of.tag.as_str()),
            marks: Vec::new(),
            held: None,
            of,
            cells,
        }
    }
}

/// How much a row shows besides its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The name only.
    Plain,
    /// Also tier and flags; rows become cards on narrow screens.
    Main,
    /// The same, with boxes to choose rows for a comparison.
    Choosable,
}

/// The table.
#[derive(Debug, Clone, Template)]
#[template(path = "parts/endpoint_table.html")]
pub struct EndpointTable<'a> {
    label: &'static str,
    caption: String,
    kind: Kind,
    columns: Vec<Column>,
    rows: Vec<Row<'a>>,
    /// The columns that are left out.
    absent: Vec<String>,
}
impl HtmlSafe for EndpointTable<'_> {}

impl<'a> EndpointTable<'a> {
    /// `label` is the id of the heading; every row has a cell for each column.
    pub fn new(
        (label, caption): (&'static str, impl Into<String>),
        kind: Kind,
        columns: &[Column],
        mut rows: Vec<Row<'a>>,
    ) -> Self {
        let is_empty = |nth: usize| rows.iter().all(|row| row.cells.get(nth).is_none_or(Cell::lacks_value));
        let empty: Vec<bool> = (0..columns.len()).map(is_empty).collect();
        let title = |column: &Column| match column.small {
            "" => column.title.to_lowercase(),
            small => format!("{} ({small})", column.title.to_lowercase()),
        };
        let pick = |wanted: bool| columns.iter().zip(&empty).filter(move |(_, empty)| **empty == wanted);
        for row in &mut rows {
            let mut nth = 0..;
            row.cells.retain(|_| nth.next().is_some_and(|nth| !empty.get(nth).copied().unwrap_or(false)));
        }
        Self {
            label,
            caption: caption.into(),
            kind,
            columns: pick(false).map(|(column, _)| *column).collect(),
            absent: pick(true).map(|(column, _)| title(column)).collect(),
            rows,
        }
    }

    fn is_main(&self) -> bool {
        self.kind != Kind::Plain
    }

    fn is_choosable(&self) -> bool {
        self.kind == Kind::Choosable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_without_a_value_is_left_out_and_named() {
        let columns = [Column::new("Context", ""), Column::new("Uptime", "1 day")];
        let table = EndpointTable::new(("x", "X"), Kind::Plain, &columns, Vec::new());
        assert_eq!(table.absent, ["context", "uptime (1 day)"]);
        assert!(table.columns.is_empty());
    }
}
