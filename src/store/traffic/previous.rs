//! Finds the previous call of each call's session when calls are added or deleted, so that reports need not sort all
//! calls.

use crate::store::StoreError;
use duckdb::{Connection, Params};

/// The sessions of which a change adds or deletes calls.
pub(super) struct Touched<'a>(&'a Connection);

impl<'a> Touched<'a> {
    /// Begins a change.
    pub fn new(connection: &'a Connection) -> Result<Self, StoreError> {
        connection.execute_batch("CREATE OR REPLACE TEMP TABLE touched (session UBIGINT)")?;
        Ok(Self(connection))
    }

    /// Adds the sessions of the calls that meet a condition.
    pub fn add(&self, condition: &str, parameters: impl Params) -> Result<(), StoreError> {
        let sql = format!("INSERT INTO touched SELECT DISTINCT hash(session) FROM call WHERE {condition}");
        self.0.execute(&sql, parameters)?;
        Ok(())
    }

    /// Finds the previous calls in these sessions again.
    pub fn find_previous_calls(self) -> Result<(), StoreError> {
        self.0.execute(include_str!("../../../queries/traffic/previous.sql"), [])?;
        Ok(self.0.execute_batch("DROP TABLE touched")?)
    }
}
