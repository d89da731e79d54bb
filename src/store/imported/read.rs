//! Reading imported data back: sources, days that the record does not have, and changes of list prices.

use super::super::columns::{self, naive, rows, select};
use super::super::transaction::transaction;
use super::super::{Store, StoreError};
use crate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField, percent};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::imported::{ImportKind, ImportReport, ImportSummary};
use crate::domain::window::Basis;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;
use uuid::Uuid;

const DAYS: &str = include_str!("../../../queries/imports/days.sql");
const PRICE_CHANGES: &str = include_str!("../../../queries/imports/price_changes.sql");

/// A day of an endpoint that the record has no values of, from the first import that has it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedDayRow {
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// The day.
    pub day: NaiveDate,
    /// Name of the source.
    pub source: String,
    /// Kind of the source.
    pub kind: ImportKind,
    /// When it was read, if the day was not over then.
    pub read_at: Option<DateTime<Utc>>,
    /// Hit rate, 0..1.
    pub hit_rate: Option<f64>,
    /// Source of the hit rate.
    pub basis: Option<Basis>,
    /// Tokens.
    pub tokens: Option<i64>,
    /// Effective input price, USD per million tokens.
    pub effective_input: Option<f64>,
    /// Effective output price, USD per million tokens.
    pub effective_output: Option<f64>,
    /// Uptime, 0..1.
    pub uptime: Option<f64>,
    /// Output speed, tokens a second.
    pub throughput: Option<f64>,
    /// Time to first token, milliseconds.
    pub latency_ms: Option<f64>,
}

impl Store {
    /// The imported sources, newest first.
    pub fn import_sources(&self) -> Result<Vec<ImportSummary>, StoreError> {
        let sql = "SELECT * FROM import_source ORDER BY source_no DESC";
        select!(self, sql, [], |name: String,
                                kind: ImportKind,
                                origin: String,
                                sha256: String,
                                fetched_at: DateTime<Utc>,
                                stored: usize,
                                known: usize,
                                disagreements: usize,
                                unmatched: usize,
                                refused: usize,
                                examples: Vec<String>| ImportSummary {
            name,
            kind,
            origin,
            sha256,
            fetched_at,
            report: ImportReport { stored, known, disagreements, unmatched, refused, examples },
        })
    }

    /// Removes an imported source with its rows, and returns it; `None` if there is no source of that name.
    pub fn forget_import(&self, name: &str) -> Result<Option<ImportSummary>, StoreError> {
        let Some(source) = self.import_sources()?.into_iter().find(|source| source.name == name) else {
            return Ok(None);
        };
        let connection = self.writer()?;
        transaction(&connection, || {
            let sql = "SELECT source_no FROM import_source WHERE name = ?";
            for number in rows!(connection, sql, [name], |source_no: i32| source_no) {
                for kind in &super::KINDS {
                    let sql = format!("DELETE FROM {} WHERE source_no = ?", kind.table);
                    connection.execute(&sql, [number])?;
                }
                connection.execute("DELETE FROM import_source WHERE source_no = ?", params![number])?;
            }
            Ok(())
        })?;
        Ok(Some(source))
    }

    /// The imported days in `[from, to]` of endpoints of the record that the record itself has no values of as of
    /// `as_of`, oldest first. Whole days come before parts of days, and the first import that has a day counts.
    pub fn imported_days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<ImportedDayRow>, StoreError> {
        let parameters = params![from.to_string(), to.to_string(), naive(as_of)];
        select!(
            self,
            DAYS,
            parameters,
            ImportedDayRow {
                endpoint_id,
                day,
                source,
                kind,
                read_at,
                hit_rate,
                basis,
                tokens,
                effective_input,
                effective_output,
                uptime,
                throughput,
                latency_ms,
            }
        )
    }

    /// The changes of list prices in `[from, to)` that imported sources have and that are older than the record's first
    /// reading of the endpoint (of the model, for a price of a model as a whole), newest first. A cache price that a source
    /// begins or ceases to list is a change, too. Only runs up to `as_of` are used. `why` is left empty.
    pub fn imported_price_changes(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<Change>, StoreError> {
        let parameters = params![naive(from), naive(to), naive(as_of)];
        let fields = |name: &str| match name {
            "list_input" => Some(ChangedField::ListInput),
            "list_output" => Some(ChangedField::ListOutput),
            "list_cache_read" => Some(ChangedField::ListCacheRead),
            "list_cache_write" => Some(ChangedField::ListCacheWrite),
            "discount" => Some(ChangedField::Discount),
            _ => None,
        };
        select!(
            self,
            PRICE_CHANGES,
            parameters,
            |since: DateTime<Utc>,
             model: ModelSlug,
             variant: Variant,
             model_id: String,
             endpoint_id: Option<Uuid>,
             provider: Option<ProviderSlug>,
             tag: Option<Tag>,
             field: String,
             before: Option<f64>,
             after: Option<f64>,
             source: String| Change {
                model: Some(model),
                variant: Some(variant),
                model_id: Some(model_id),
                endpoint_id,
                provider,
                tag,
                field: fields(&field),
                before: before.map(ChangeValue::Number),
                after: after.map(ChangeValue::Number),
                percent: percent(before, after),
                source: Some(source),
                ..Change::new(since, ChangeKind::PriceChanged)
            }
        )
    }
}
