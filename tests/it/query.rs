//! Questions in SQL: what is answered, what is refused, and the limits.

use std::time::Duration;

use hitrate::store::{MAX_SQL, QueryAnswer, QueryCut, QueryLimits, Store, StoreError};
use serde_json::{Value, json};

use crate::binary::{Server, hitrate};
use crate::rig::{dump, folder, store};
use crate::upstream::{Upstream, collect, day, pipeline};

const LIMITS: QueryLimits = QueryLimits { rows: 1000, seconds: 30 };

/// Questions wait for each other: tests run in one process, and the store answers one at a time.
fn ask_within(store: &Store, sql: &str, limits: QueryLimits) -> Result<QueryAnswer, StoreError> {
    loop {
        match store.query(sql, limits) {
            Err(StoreError::Refused(detail)) if detail.contains("another query") => {
                std::thread::sleep(Duration::from_millis(20));
            }
            answered => return answered,
        }
    }
}

fn ask(store: &Store, sql: &str) -> Result<QueryAnswer, StoreError> {
    ask_within(store, sql, LIMITS)
}

fn refused(store: &Store, sql: &str) -> String {
    match ask(store, sql) {
        Err(error) => error.to_string(),
        Ok(answer) => panic!("{sql} was answered: {answer:?}"),
    }
}

async fn recorded(folder: &std::path::Path) {
    let upstream = Upstream::serve().await;
    let pipeline = pipeline(folder);
    for number in [9, 10, 11] {
        collect(&pipeline, &upstream, day(number)).await;
    }
    pipeline.publish().expect("published");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_has_rows_and_the_documented_columns() {
    let data = folder();
    recorded(data.path()).await;
    let store = store(data.path());
    let views = store.views().expect("described");
    assert_eq!(views.len(), 11);
    for view in &views {
        let answer = ask(&store, &format!("SELECT * FROM {}", view.name)).expect("answered");
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        let described: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, described, "{}", view.name);
        assert!(!answer.rows.is_empty(), "{}", view.name);
        assert!(view.columns.iter().any(|column| column.name == view.time), "{}", view.name);
        assert!(view.columns.iter().all(|column| !column.meaning.is_empty()), "{}", view.name);
    }
    let sums = ask(
        &store,
        "WITH busy AS (SELECT model, sum(tokens) AS tokens FROM days GROUP BY model)
        SELECT count(*) AS models, sum(tokens) > 0 AS any FROM busy",
    )
    .expect("answered");
    assert_eq!(sums.rows[0][1], Value::Bool(true));
    for sql in [
        "FROM runs;",
        "VALUES (1)",
        "DESCRIBE days",
        "SELECT 1 -- a comment",
        "SELECT * FROM range(3)",
        "SELECT unnest([1, 2])",
        "SELECT * FROM days d JOIN prices p USING (endpoint_id) LIMIT 1",
        "(SELECT 1) UNION ALL (SELECT 2)",
        "WITH days AS (SELECT 1 AS one) SELECT one FROM days",
    ] {
        assert!(ask(&store, sql).is_ok(), "{sql}: {:?}", ask(&store, sql));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_questions_are_refused_and_change_nothing() {
    let data = folder();
    recorded(data.path()).await;
    let secret = data.path().join("work").join("secret.csv");
    std::fs::create_dir_all(data.path().join("work")).expect("created");
    std::fs::write(&secret, "password\nhunter2\n").expect("written");
    {
        let store = store(data.path());
        let inside = secret.canonicalize().expect("there").display().to_string();
        let hostile = [
            "COPY (SELECT 1) TO '/tmp/hitrate-test-copy.csv'".to_owned(),
            "ATTACH '/tmp/hitrate-test.duckdb'".to_owned(),
            "INSTALL httpfs".to_owned(),
            "LOAD httpfs".to_owned(),
            "PRAGMA database_list".to_owned(),
            "SET memory_limit = '1TB'".to_owned(),
            "RESET enable_external_access".to_owned(),
            "CALL pragma_version()".to_owned(),
            "CHECKPOINT".to_owned(),
            "BEGIN".to_owned(),
            "EXPLAIN ANALYZE SELECT 1".to_owned(),
            "DELETE FROM run".to_owned(),
            "DROP TABLE run".to_owned(),
            "INSERT INTO run SELECT * FROM run".to_owned(),
            "CREATE TABLE mine AS SELECT 1".to_owned(),
            "CREATE MACRO f() AS 1".to_owned(),
            "SELECT 1; DELETE FROM run".to_owned(),
            "DELETE FROM run; SELECT 1".to_owned(),
            "SELECT 1; SELECT 2".to_owned(),
            ";".to_owned(),
            String::new(),
            "SELECT * FROM read_text('/etc/passwd')".to_owned(),
            "SELECT * FROM read_csv('/etc/passwd')".to_owned(),
            "SELECT * FROM '/etc/passwd'".to_owned(),
            "SELECT * FROM \"/etc/passwd.csv\"".to_owned(),
            format!("SELECT * FROM read_text('{inside}')"),
            format!("SELECT * FROM '{inside}'"),
            format!("SELECT (SELECT content FROM read_text('{inside}'))"),
            format!("SELECT 1 WHERE EXISTS (FROM read_csv('{inside}'))"),
            "SELECT * FROM glob('*')".to_owned(),
            "SELECT * FROM query('SELECT 1')".to_owned(),
            "SELECT * FROM query_table(['run'])".to_owned(),
            "SELECT * FROM json_execute_serialized_sql('x')".to_owned(),
            "SELECT * FROM duckdb_settings()".to_owned(),
            "SELECT * FROM duckdb_secrets()".to_owned(),
            "SELECT * FROM pragma_database_list()".to_owned(),
            "SELECT * FROM sniff_csv('/etc/passwd')".to_owned(),
            "SELECT getenv('HOME')".to_owned(),
            "SELECT current_setting('temp_directory')".to_owned(),
            "SELECT upper(CURRENT_SETTING('temp_directory'))".to_owned(),
            "SELECT * FROM run".to_owned(),
            "SELECT * FROM main.days".to_owned(),
            "SELECT * FROM information_schema.tables".to_owned(),
            "SELECT * FROM stored_reading".to_owned(),
            "SELECT * FROM call".to_owned(),
            "SHOW ALL TABLES".to_owned(),
            "SELECT * FROM run, (WITH run AS (SELECT 1 AS x) SELECT * FROM run) one".to_owned(),
            "SELECT * FROM duckdb_tables, (WITH duckdb_tables AS (SELECT 1 AS x) SELECT 2) one".to_owned(),
            format!("SELECT * FROM \"{inside}\", (WITH \"{inside}\" AS (SELECT 1 AS x) SELECT 2) one"),
            "WITH gone AS (DELETE FROM run RETURNING *) SELECT * FROM gone".to_owned(),
            "SELECT ?".to_owned(),
            "SELECT $1".to_owned(),
            "SELECT 1\0".to_owned(),
            "x".repeat(MAX_SQL + 1),
            format!("{}SELECT 1{}", "SELECT (".repeat(1500), ")".repeat(1500)),
        ];
        for sql in &hostile {
            let shown = refused(&store, sql);
            assert!(!shown.contains("hunter2"), "{sql}");
        }
        assert!(!std::path::Path::new("/tmp/hitrate-test-copy.csv").exists());
    }
    let before = dump(data.path());
    {
        let store = store(data.path());
        ask(&store, "FROM days").expect("answered");
        refused(&store, "DELETE FROM run");
    }
    assert_eq!(dump(data.path()), before);
}

#[test]
fn errors_name_the_place() {
    let data = folder();
    let store = store(data.path());
    let syntax = refused(&store, "SELECT 1\nFROM days WHERE");
    assert!(syntax.contains("line 2"), "{syntax}");
    let table = refused(&store, "SELECT 1\nFROM calls");
    assert!(table.contains("no view `calls`") && table.contains("line 2, column 6"), "{table}");
    assert!(table.contains("model_days"), "the views are listed: {table}");
    let name = refused(&store, "SELECT hit_rates FROM days");
    assert!(name.contains("hit_rates") && name.contains("LINE 1"), "{name}");
    let function = refused(&store, "SELECT 1 FROM read_text('x')");
    assert!(function.contains("read_text") && function.contains("column 15"), "{function}");
    assert!(refused(&store, "DROP TABLE run").contains("read-only"));
    assert!(refused(&store, "SELECT 1; SELECT 2").contains("2 statements"));
}

#[test]
fn limits_stop_or_cut_and_the_store_works_on() {
    let data = folder();
    let store = store(data.path());
    let cut = ask_within(&store, "SELECT * FROM range(1000000000000)", QueryLimits { rows: 5, seconds: 30 });
    let cut = cut.expect("answered");
    assert_eq!((cut.rows.len(), cut.cut), (5, Some(QueryCut::Rows(5))));
    let exact = ask_within(&store, "SELECT * FROM range(5)", QueryLimits { rows: 5, seconds: 30 });
    assert_eq!(exact.expect("answered").cut, None, "exactly the limit is complete");
    let large = QueryLimits { rows: usize::MAX, seconds: 60 };
    let large = ask_within(&store, "SELECT repeat('x', 1000000) FROM range(100)", large).expect("answered");
    assert!(matches!(large.cut, Some(QueryCut::Bytes(_))) && large.rows.len() < 30, "{}", large.rows.len());
    let short = QueryLimits { rows: 10, seconds: 1 };
    for endless in [
        "SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE a.range + b.range = 1",
        "WITH RECURSIVE n AS (SELECT 1 AS x UNION ALL SELECT x % 7 + 1 FROM n) SELECT count(*) FROM n",
        "SELECT count(*) FROM generate_series(1, 1000000000000) WHERE generate_series = -1",
    ] {
        let stopped = ask_within(&store, endless, short).expect_err("stopped");
        assert!(
            matches!(stopped, StoreError::TimedOut { .. } | StoreError::TooMuchMemory { .. }),
            "{endless}: {stopped}"
        );
    }
    let greedy = "SELECT list(range) FROM range(1000000000)";
    assert!(ask_within(&store, greedy, QueryLimits { rows: 1, seconds: 20 }).is_err());
    assert_eq!(ask(&store, "SELECT 1 AS one").expect("answered").rows, [[Value::from(1)]]);
}

#[test]
fn values_of_every_type_are_readable() {
    let data = folder();
    let store = store(data.path());
    let sql = "SELECT true, CAST(1 AS TINYINT), -9223372036854775808, CAST(2 AS UBIGINT), 0.5, CAST(1.25 AS DECIMAL(9, 3)),
        'nan'::DOUBLE, DATE '2026-08-01', TIMESTAMP '2026-08-01 10:57:00', NULL, [1, 2], {'a': 1}, 'ü\"',
        sum(range), uuid '00000000-0000-0000-0000-000000000001', TIMESTAMPTZ '2026-08-01 10:57:00.5+00'
        FROM range(10)";
    let answer = ask(&store, sql).expect("answered");
    let row = &answer.rows[0];
    assert_eq!(row[..2], [json!(true), json!(1)]);
    assert_eq!(row[2].to_string(), i64::MIN.to_string());
    assert_eq!(row[3..6], [json!(2), json!(0.5), json!(1.25)]);
    assert_eq!(row[6], json!("NaN"));
    assert_eq!(row[7..10], [json!("2026-08-01"), json!("2026-08-01T10:57:00Z"), Value::Null]);
    assert!(row[10].as_str().is_some_and(|text| text.contains('2')), "{}", row[10]);
    assert_eq!(row[12..15], [json!("ü\""), json!(45), json!("00000000-0000-0000-0000-000000000001")]);
    assert_eq!(row[15], json!("2026-08-01T10:57:00.500Z"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_answers_in_every_format_also_through_a_server() {
    let data = folder();
    recorded(data.path()).await;
    let sql = "SELECT model, count(*) AS days FROM days GROUP BY model ORDER BY model LIMIT 3";
    let alone = hitrate(data.path(), &["query", sql, "--json"]).json();
    assert_eq!(alone["rows"].as_array().map(Vec::len), Some(3), "{alone}");
    assert_eq!(alone["columns"][1]["name"], "days");
    let _server = Server::of(data.path());
    assert_eq!(hitrate(data.path(), &["query", sql, "--json"]).json(), alone);
    let csv = hitrate(data.path(), &["query", sql, "--format", "csv"]);
    assert_eq!(csv.out.lines().next(), Some("model,days"));
    let tsv = hitrate(data.path(), &["query", sql]);
    assert_eq!((tsv.out.lines().count(), tsv.out.lines().next()), (4, Some("model\tdays")));
    let cut = hitrate(data.path(), &["query", "FROM days", "--limit", "2"]);
    assert!(cut.code == 0 && cut.err.contains("cut after 2 rows"), "{}", cut.err);
    let views = hitrate(data.path(), &["query", "--views", "--json"]).json();
    assert_eq!(views[0]["name"], "days");
    for (hostile, reason) in [
        ("DELETE FROM run", "read-only"),
        ("SELECT * FROM read_text('/etc/passwd')", "read_text"),
        ("SELECT\nx FROM days", "LINE 2"),
    ] {
        let refused = hitrate(data.path(), &["query", hostile]);
        assert_eq!(refused.code, 1);
        assert!(refused.err.contains(reason), "{hostile}: {}", refused.err);
    }
    let file = data.path().join("question.sql");
    std::fs::write(&file, sql).expect("written");
    let named = hitrate(data.path(), &["query", "--json", "--file", &file.display().to_string()]).json();
    assert_eq!(named, alone);
    let empty = hitrate(data.path(), &["query", " "]);
    assert!(empty.code == 1 && empty.err.contains("empty"), "{}", empty.err);
}
