//! The short keys of the endpoints.

use crate::domain::ids::{ModelSlug, Tag, Variant, synthetic_endpoint_id};
use crate::domain::reading::RunReadings;
use crate::store::StoreError;
use crate::store::append::append;
use crate::store::columns::{self, each_row, naive};
use duckdb::{Connection, params};
use std::collections::HashMap;
use uuid::Uuid;

/// The known endpoints, by UUID and by the substitute for an unknown UUID.
struct Numbers {
    next: i32,
    by_id: HashMap<Uuid, i32>,
    by_stand_in: HashMap<Uuid, Option<(i32, bool)>>,
}

impl Numbers {
    fn load(connection: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT e.endpoint_no, CAST(e.endpoint_id AS VARCHAR) AS id, e.synthetic, e.model, e.variant, h.tag
             FROM endpoint e LEFT JOIN endpoint_history h ON h.endpoint_no = e.endpoint_no AND h.valid_to IS NULL";
        let mut statement = connection.prepare(sql)?;
        let mut numbers = Self { next: 1, by_id: HashMap::new(), by_stand_in: HashMap::new() };
        for batch in columns::batches(&mut statement, [])? {
            let batch = batch?;
            each_row!(&batch, |endpoint_no: i32,
                               id: Uuid,
                               synthetic: bool,
                               model: ModelSlug,
                               variant: Variant,
                               tag: Option<Tag>| {
                numbers.next = numbers.next.max(endpoint_no + 1);
                numbers.by_id.insert(id, endpoint_no);
                let Some(tag) = tag else { continue };
                // Two endpoints share this tag, so it identifies neither.
                numbers
                    .by_stand_in
                    .entry(synthetic_endpoint_id(&model, &variant, &tag))
                    .and_modify(|entry| *entry = None)
                    .or_insert(Some((endpoint_no, synthetic)));
            });
        }
        Ok(numbers)
    }
}

/// Finds or creates the short key of every reading's endpoint, and links endpoints whose UUID has become known.
pub fn number_endpoints(
    connection: &Connection,
    upstream_name: &str,
    run: &RunReadings,
) -> Result<Vec<i32>, StoreError> {
    let mut numbers = Numbers::load(connection)?;
    let mut added = Vec::new();
    let mut linked: Vec<(i32, Uuid)> = Vec::new();
    let mut keys = Vec::with_capacity(run.readings.len());
    for reading in &run.readings {
        let facts = &reading.facts;
        let stand_in = synthetic_endpoint_id(&facts.model, &facts.variant, &facts.tag);
        let by_tag = numbers.by_stand_in.get(&stand_in).copied().flatten();
        let known = match facts.endpoint_id {
            Some(id) => numbers.by_id.get(&id).copied().or_else(|| {
                let (number, _) = by_tag.filter(|(_, synthetic)| *synthetic)?;
                linked.push((number, id));
                numbers.by_id.insert(id, number);
                Some(number)
            }),
            None => by_tag.map(|(number, _)| number).or_else(|| numbers.by_id.get(&stand_in).copied()),
        };
        let number = match known {
            Some(number) => number,
            None => {
                let number = numbers.next;
                numbers.next += 1;
                let id = facts.endpoint_id.unwrap_or(stand_in);
                numbers.by_id.insert(id, number);
                added.push((number, id, facts));
                number
            }
        };
        keys.push(number);
    }
    append!(connection, "endpoint", (number, id, facts) in added => {
        endpoint_no: number,
        endpoint_id: id.to_string(),
        synthetic: facts.endpoint_id.is_none(),
        model: facts.model.as_str(),
        variant: facts.variant.as_str(),
        first_seen: naive(run.observed_at),
        upstream_name: upstream_name,
    });
    for (number, id) in linked {
        connection.execute(
            "UPDATE endpoint SET endpoint_id = CAST(? AS UUID), synthetic = false WHERE endpoint_no = ?",
            params![id.to_string(), number],
        )?;
    }
    Ok(keys)
}
