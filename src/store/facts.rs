//! The facts of endpoints in the record: the columns of `endpoint_history` have the names of the fields.

use super::StoreError;
use super::append::{Stored, append};
use super::columns::{self, records};
use crate::domain::endpoint::{EndpointFacts, PublishedFacts, with_published_facts};
use duckdb::Connection;
use duckdb::arrow::array::RecordBatch;

macro_rules! columns_of {
    ($($fact:ident),+) => {
        /// Appends the facts of endpoints with their short keys to the stage.
        pub(super) fn stage_facts<'a>(
            connection: &Connection,
            facts: impl Iterator<Item = (&'a i32, &'a EndpointFacts)>,
        ) -> Result<(), StoreError> {
            append!(connection, "stage_facts", (key, facts) in facts => {
                endpoint_no: key,
                provider: facts.provider.as_str(),
                provider_name: facts.provider_name,
                tag: facts.tag.as_str(),
                restricted: facts.restricted == Some(true),
                deranked: facts.deranked,
                disabled: facts.disabled,
                $($fact: facts.published.$fact.stored()?,)+
            });
            Ok(())
        }

        fn published_of(batch: &RecordBatch) -> Result<Vec<PublishedFacts>, StoreError> {
            Ok(records!(batch, PublishedFacts { $($fact),+ }))
        }
    };
}
with_published_facts!(columns_of);

/// The facts of the endpoints, row by row.
pub(super) fn facts_of(batch: &RecordBatch) -> Result<Vec<EndpointFacts>, StoreError> {
    let facts = records!(
        batch,
        EndpointFacts {
            model,
            variant,
            endpoint_id,
            tag,
            provider,
            provider_name,
            restricted,
            deranked,
            disabled,
            ..EndpointFacts::default()
        }
    );
    let both = facts.into_iter().zip(published_of(batch)?);
    Ok(both.map(|(facts, published)| EndpointFacts { published, ..facts }).collect())
}
