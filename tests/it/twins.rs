//! Compares the aggregations with independent SQL twins that only share the tables with the program, with a relative
//! tolerance of 1e-9.

use std::collections::BTreeMap;
use std::path::Path;

use hitrate::domain::tier::Lens;
use hitrate::snapshot::Snapshot;

use crate::rig::{folder, rows};
use crate::upstream::{Upstream, collect, day, pipeline};

/// Numbers by name; absent numbers are `None`.
type Table = BTreeMap<String, Vec<Option<f64>>>;

/// Runs a twin; its first column is the name of the row.
fn twin(data: &Path, sql: &str, columns: &[&str]) -> Table {
    let text = |name: &&str| format!("coalesce(CAST({name} AS VARCHAR), 'null')");
    let line = columns.iter().map(text).collect::<Vec<_>>().join(" || '~' || ");
    let read = |row: String| {
        let row = row.trim_start_matches("{'line': ").trim_end_matches('}').trim_matches('\'').to_owned();
        let mut parts = row.split('~');
        let name = parts.next().expect("a name").to_owned();
        (name, parts.map(|part| part.parse().ok()).collect())
    };
    rows(data, &format!("SELECT {line} AS line FROM ({sql})")).into_iter().map(read).collect()
}

/// Asserts that the rows are the same and that every number agrees to 1e-9.
fn alike(what: &str, ours: &Table, theirs: &Table) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (name, numbers) in ours {
        for (ours, theirs) in numbers.iter().zip(&theirs[name]) {
            let close = match (ours, theirs) {
                // An efficiency near zero is a difference of prices, where the last bits of a sum matter.
                (Some(a), Some(b)) => (a - b).abs() <= (1e-9 * a.abs().max(b.abs())).max(1e-14),
                (a, b) => a == b,
            };
            assert!(close, "{what}, {name}: {ours:?}, the twin has {theirs:?}");
        }
    }
}

/// Compares a snapshot with the twins over the store that it was built from; no store may have the file open.
pub fn agree(data: &Path, snapshot: &Snapshot) {
    let cells = twin(
        data,
        include_str!("twins/cells.sql"),
        &["provider", "traffic_mean", "model_mean", "tokens", "endpoints"],
    );
    let list = snapshot.tier_list(Lens::Cache, None).expect("a list");
    let with_cells = list.providers.iter().filter(|row| row.endpoints > 0);
    let means = with_cells.map(|row| {
        let numbers =
            [row.traffic_mean, row.model_mean, Some(row.tokens_per_day), Some(row.endpoints as f64)];
        (row.provider.to_string(), numbers.to_vec())
    });
    alike("means of providers", &means.collect(), &cells);

    let days = twin(data, include_str!("twins/provider_days.sql"), &["provider_day", "hit_rate", "tokens"]);
    let own = |provider: &hitrate::snapshot::ProviderEntry| -> Vec<(String, Vec<Option<f64>>)> {
        let line = |day: &hitrate::snapshot::ProviderDay| {
            (format!("{} {}", provider.provider, day.day), vec![day.hit_rate, Some(day.tokens as f64)])
        };
        provider.days.iter().map(line).collect()
    };
    alike("days of providers", &snapshot.providers.iter().flat_map(own).collect(), &days);

    let models = twin(data, include_str!("twins/models.sql"), &["model", "hit_rate"]);
    let known = snapshot.models.iter().filter(|model| model.hit_rate.is_some());
    let rates = known.map(|model| (format!("{} {}", model.slug, model.variant), vec![model.hit_rate]));
    alike("hit rates of models", &rates.collect(), &models);

    let discounts = twin(data, include_str!("twins/discounts.sql"), &["endpoint", "discount"]);
    let endpoints = snapshot.models.iter().flat_map(|model| &model.endpoints);
    let given = endpoints.filter_map(|one| {
        one.realised_discount.map(|given| (one.endpoint_id.to_string(), vec![Some(given)]))
    });
    alike("realised discounts", &given.collect(), &discounts);

    let efficiencies =
        twin(data, include_str!("twins/efficiency.sql"), &["endpoint", "efficiency", "written"]);
    let endpoints = || snapshot.models.iter().flat_map(|model| &model.endpoints);
    let shares = endpoints().filter(|one| one.efficiency.or(one.written_share).is_some()).map(|one| {
        let written = one.written_share.map(|share| if share < 1e-9 { 0.0 } else { share });
        (one.endpoint_id.to_string(), vec![one.efficiency, written])
    });
    alike("efficiencies and written shares", &shares.collect(), &efficiencies);

    let closing = twin(data, include_str!("twins/closing.sql"), &["endpoint_day", "input", "output"]);
    let priced = |one: &hitrate::snapshot::Endpoint| -> Vec<(String, Vec<Option<f64>>)> {
        let days = one.days.iter().filter(|day| day.effective_input.or(day.effective_output).is_some());
        days.map(|day| {
            (format!("{} {}", one.endpoint_id, day.day), vec![day.effective_input, day.effective_output])
        })
        .collect()
    };
    alike("prices of days", &endpoints().flat_map(priced).collect(), &closing);
    assert!(efficiencies.len() > 20 && closing.len() > 3 * efficiencies.len());
    assert!(cells.len() > 5 && days.len() > cells.len() && discounts.len() > 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sql_twins_agree_on_a_simulated_record() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let snapshot = {
        let pipeline = pipeline(data.path());
        for number in [5, 6, 7, 9, 10, 11] {
            assert_eq!(collect(&pipeline, &upstream, day(number)).await.status.as_str(), "ok");
        }
        pipeline.publish().expect("published")
    };
    agree(data.path(), &snapshot);
}
