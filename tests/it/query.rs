//! Questions in SQL: what is answered, what is refused, and the limits.

use std::time::Duration;

use hitrate::store::{MAX_SQL, QueryAnswer, QueryCut, QueryLimits, Store, StoreError};
use serde_json::{Value, json};

use crate::binary::{Server, hitrate};
use crate::rig::{dump, folder, store, tamper};
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
    assert_eq!(views.len(), 15);
    for view in &views {
        let answer = ask(&store, &format!("SELECT * FROM {}", view.name)).expect("answered");
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        let described: Vec<&str> = view.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, described, "{}", view.name);
        // Nothing was imported, and the days are few.
        let is_empty =
            view.name.starts_with("imported_") || ["shifts", "price_changes"].contains(&view.name.as_str());
        assert!(is_empty || !answer.rows.is_empty(), "{}", view.name);
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
        "SELECT repeat('x', 3) || lpad('1', 3, '0'), range(3), bar(1, 0, 2, 10), printf('%5.2f', 1.0), format('{:>9}', 1)",
        "SELECT generate_series(DATE '2026-08-01', DATE '2026-08-03', INTERVAL 1 DAY)",
    ] {
        assert!(ask(&store, sql).is_ok(), "{sql}: {:?}", ask(&store, sql));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn moves_of_prices_and_imported_data_are_views() {
    let data = folder();
    recorded(data.path()).await;
    let count = |store: &Store| ask(store, "SELECT count(*) FROM price_changes").expect("answered").rows;
    let before = count(&store(data.path()))[0][0].as_i64().expect("a number");
    tamper(
        data.path(),
        "INSERT INTO price_history SELECT * REPLACE (list_input * 2 AS list_input, TIMESTAMP '2026-07-31' AS valid_from)
            FROM price_history WHERE list_input > 0 AND valid_to IS NULL ORDER BY endpoint_no LIMIT 1;
        INSERT INTO import_source VALUES (1, 'old', 'series', 'old.csv', 'a', TIMESTAMP '2026-07-30', 1, 0, 0, 0, 0, '[]');
        INSERT INTO imported_endpoint VALUES (1, 'lab/old', 'standard', NULL, 'acme', '=Acme', 'acme');
        INSERT INTO imported_day (source_no, imported_no, day, hit_rate, basis)
            VALUES (1, 1, DATE '2024-02-03', 0.5, 'derived');
        INSERT INTO imported_price (source_no, imported_no, since, list_input)
            VALUES (1, 1, TIMESTAMP '2024-03-04 05:00:00', 2.5);",
    );
    let store = store(data.path());
    assert_eq!(count(&store)[0][0], before + 1);
    let moved = ask(
        &store,
        "SELECT field, percent, after = 2 * before FROM price_changes ORDER BY observed_at DESC LIMIT 1",
    );
    assert_eq!(moved.expect("answered").rows, [[json!("list_input"), json!(100.0), json!(true)]]);
    let days = ask(&store, "SELECT source, basis, hit_rate, tokens, in_record FROM imported_days")
        .expect("answered");
    assert_eq!(days.rows, [[json!("old"), json!("derived"), json!(0.5), Value::Null, json!(false)]]);
    let prices = ask(&store, "SELECT since, list_input, list_output FROM imported_prices").expect("answered");
    assert_eq!(prices.rows, [[json!("2024-03-04T05:00:00Z"), json!(2.5), Value::Null]]);
    let months = store.partitions("imported_days", &[]).expect("readable");
    assert_eq!(months.len(), 1, "also from before the record: {months:?}");
    assert_eq!(months[0].month.to_string(), "2024-02-01");
    drop(store);
    let csv = hitrate(data.path(), &["query", "SELECT provider_name FROM imported_days", "--format", "csv"]);
    assert_eq!(csv.out.lines().last(), Some("'=Acme"), "no formula");
}

/// Joined by time alone, as DuckDB once did, these rows would be compared 30 million times and take gigabytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_of_many_endpoints_are_answered_within_the_limits() {
    let data = folder();
    recorded(data.path()).await;
    tamper(
        data.path(),
        "INSERT INTO endpoint SELECT o.* REPLACE (100000 + r.range AS endpoint_no, uuid() AS endpoint_id)
            FROM (SELECT * FROM endpoint ORDER BY endpoint_no LIMIT 1) o, range(1500) r;
        INSERT INTO endpoint_history SELECT o.* REPLACE (100000 + r.range AS endpoint_no)
            FROM (SELECT * FROM endpoint_history ORDER BY endpoint_no LIMIT 1) o, range(1500) r;
        INSERT INTO endpoint_day SELECT d.* REPLACE (100000 + r.range AS endpoint_no, d.day - CAST(n.range AS INTEGER) AS day)
            FROM (SELECT * FROM endpoint_day ORDER BY endpoint_no, day LIMIT 1) d, range(1500) r, range(20) n;",
    );
    let days = ask(&store(data.path()), "SELECT count(*), count(tag) FROM (FROM days ORDER BY tokens)")
        .expect("answered");
    assert!(days.rows[0][0].as_i64() >= Some(30_000) && days.rows[0][0] == days.rows[0][1], "{days:?}");
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
            // Names of expressions that are tables or files outside the scope of the expression.
            "SELECT (WITH run AS (SELECT 1 AS a) SELECT a FROM run), (SELECT count(*) FROM run)".to_owned(),
            "WITH x AS (WITH import_source AS (SELECT 1) FROM import_source) FROM import_source".to_owned(),
            "WITH duckdb_tables AS (SELECT 1) FROM duckdb_tables".to_owned(),
            format!(
                "SELECT (WITH \"{inside}\" AS (SELECT 1 AS a) SELECT a FROM \"{inside}\"), (FROM '{inside}')"
            ),
            // One call that neither the time nor the memory could stop.
            "SELECT length(repeat('x', 2000000000))".to_owned(),
            "SELECT max(length(repeat('x', range * 1000000))) FROM range(1000)".to_owned(),
            "SELECT system.main.repeat('x', 2000000000)".to_owned(),
            "SELECT lpad('x', 2147483647, 'y')".to_owned(),
            "SELECT unnest(range(1000000000))".to_owned(),
            "SELECT generate_series(1, 1000000000, 1)".to_owned(),
            "SELECT list_resize([1], 10000000000)".to_owned(),
            "SELECT printf('%2000000000d', 1)".to_owned(),
            "SELECT printf('%*d', 2000000000, 1)".to_owned(),
            "SELECT format('{:>{}}', 1, 2000000000)".to_owned(),
            "SELECT levenshtein(repeat('a', 90000), repeat('b', 90000))".to_owned(),
            "SELECT sleep_ms(10000)".to_owned(),
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
    assert_eq!(name.matches("Binder Error").count(), 1, "once: {name}");
    assert!(!name.contains("error code") && !name.contains("Error code"), "{name}");
    assert!(refused(&store, "SELECT $1").contains("write the value"));
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
    let large = ask_within(&store, "SELECT repeat('x', 100000) FROM range(1000)", large).expect("answered");
    assert!(matches!(large.cut, Some(QueryCut::Bytes(_))) && large.rows.len() < 300, "{}", large.rows.len());
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
