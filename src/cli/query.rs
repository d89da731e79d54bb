//! `hitrate query`: answers a question in SQL over the documented views of the record.

use super::tables::{line, width};
use super::terminal::Look;
use super::{Common, exit, print_json, print_text, running};
use crate::config;
use crate::store::{MAX_QUERY_TIME, MAX_ROWS, QueryAnswer, QueryCut, QueryLimits, ViewDescription};
use crate::table::formula_lead;
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `query`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate query --views\n  \
hitrate query --file question.sql --format csv\n\n\
On the command line: hitrate query 'SELECT day, tokens FROM days LIMIT 5'. One SELECT over the documented views is \
answered; nothing can be written. It also works beside a running server.")]
pub struct QueryArgs {
    /// The question: one SELECT over the views; `-` reads it from standard input.
    #[arg(value_name = "SQL", required_unless_present_any = ["file", "views"], conflicts_with = "file")]
    sql: Option<String>,
    /// Read the question from a file.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// List the views with their columns, units and meanings.
    #[arg(long, conflicts_with_all = ["sql", "file"])]
    views: bool,
    /// Format of the answer; `--json` is the same as `--format json`.
    #[arg(long, value_enum, default_value = "table")]
    format: QueryFormat,
    /// Maximum number of rows, 1 to 1,000,000.
    #[arg(long, value_name = "ROWS", default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..=MAX_ROWS as u64))]
    limit: u64,
    /// Maximum time, seconds, 1 to 120.
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=MAX_QUERY_TIME.as_secs()))]
    timeout: u64,
}

/// The format of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum QueryFormat {
    /// A table; tab-separated values in a pipe.
    Table,
    /// Comma-separated values with a header row; null is empty.
    Csv,
    /// One JSON document: `columns`, `rows` and `cut`.
    Json,
}

/// Answers the question, through the running server if one holds the store.
pub fn run(common: &Common, args: &QueryArgs) -> Result<u8> {
    if args.views {
        return views(common, args.format);
    }
    let sql = args.sql()?;
    let limits = QueryLimits { rows: usize::try_from(args.limit)?, seconds: args.timeout };
    let path =
        format!("/local/query?sql={}&rows={}&seconds={}", running::encode(&sql), limits.rows, limits.seconds);
    let answer: QueryAnswer =
        running::read_or_ask(common, ("an answer", &path), |store| Ok(store.query(&sql, limits)?))?;
    match args.format {
        QueryFormat::Json => print_json(&answer)?,
        QueryFormat::Table if common.json => print_json(&answer)?,
        QueryFormat::Table => {
            print_text(&table(&answer, &Look::of(common.table, common.color, common.wide)))?
        }
        QueryFormat::Csv => csv(&answer)?,
    }
    match answer.cut {
        Some(QueryCut::Rows(rows)) => {
            eprintln!("hitrate: the answer is cut after {rows} rows; --limit raises the limit");
        }
        Some(QueryCut::Bytes(bytes)) => eprintln!(
            "hitrate: the answer is cut after {} rows, because it is larger than {} MiB; `hitrate export` and `hitrate \
             dataset` write files of any size",
            answer.rows.len(),
            bytes / (1024 * 1024)
        ),
        None => {}
    }
    Ok(exit::OK)
}

impl QueryArgs {
    fn sql(&self) -> Result<String> {
        let sql = match (&self.sql, &self.file) {
            (_, Some(file)) => {
                config::read_text(file).with_context(|| format!("cannot read {}", file.display()))?
            }
            (Some(sql), None) if sql == "-" => {
                config::limited(std::io::stdin().lock()).context("cannot read standard input")?
            }
            (sql, None) => sql.clone().unwrap_or_default(),
        };
        if sql.trim().is_empty() {
            bail!("the question is empty; `hitrate query --views` lists what can be queried");
        }
        Ok(sql)
    }
}

fn views(common: &Common, format: QueryFormat) -> Result<u8> {
    let views: Vec<ViewDescription> =
        running::read_or_ask(common, ("the views", "/local/views"), |store| Ok(store.views()?))?;
    if common.json || format == QueryFormat::Json {
        print_json(&views)?;
        return Ok(exit::OK);
    }
    let columns = ["view", "column", "type", "unit", "meaning"];
    let rows = views.iter().flat_map(|view| {
        let about = [view.name.as_str(), "", "", "", view.about.as_str()];
        let columns = view
            .columns
            .iter()
            .map(|column| [view.name.as_str(), &column.name, &column.r#type, &column.unit, &column.meaning]);
        std::iter::once(about).chain(columns).map(|row| row.map(Value::from).to_vec())
    });
    let column =
        |name: &str| crate::store::QueryColumn { name: name.to_owned(), r#type: "VARCHAR".to_owned() };
    let answer = QueryAnswer { columns: columns.map(column).to_vec(), rows: rows.collect(), cut: None };
    match format {
        QueryFormat::Csv => csv(&answer)?,
        _ => print_text(&table(&answer, &Look::of(common.table, common.color, common.wide)))?,
    }
    Ok(exit::OK)
}

/// A value as text of one line; null is empty.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value in CSV. Texts that a spreadsheet would run as a formula are led by an apostrophe, as in every CSV; `-inf` is a
/// number.
fn cell(value: &Value) -> String {
    let text = text(value);
    match value {
        Value::String(given) if given.parse::<f64>().is_err() => format!("{}{text}", formula_lead(given)),
        _ => text,
    }
}

/// The answer as aligned columns, or as tab-separated values with a header.
fn table(answer: &QueryAnswer, look: &Look) -> String {
    let header: Vec<String> = answer.columns.iter().map(|column| line(&column.name)).collect();
    let rows: Vec<Vec<String>> =
        answer.rows.iter().map(|row| row.iter().map(|value| line(&text(value))).collect()).collect();
    if look.tsv {
        let lines = std::iter::once(&header).chain(&rows).map(|row| row.join("\t"));
        return lines.collect::<Vec<_>>().join("\n");
    }
    let widths: Vec<usize> = (0..header.len())
        .map(|at| std::iter::once(&header).chain(&rows).map(|row| width(&row[at])).max().unwrap_or(0))
        .collect();
    let is_number = |at: usize| {
        let values = answer.rows.iter().map(|row| &row[at]).filter(|value| !value.is_null());
        !answer.rows.is_empty() && values.clone().count() > 0 && values.clone().all(Value::is_number)
    };
    let right: Vec<bool> = (0..header.len()).map(is_number).collect();
    let joined = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(at, cell)| {
            let spaces = " ".repeat(widths[at].saturating_sub(width(cell)));
            if right[at] { spaces + cell } else { format!("{cell}{spaces}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("  ");
    let mut lines = vec![joined(&header), rule];
    lines.extend(rows.iter().map(joined));
    lines.push(match rows.len() {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    });
    lines.join("\n")
}

fn csv(answer: &QueryAnswer) -> Result<()> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(answer.columns.iter().map(|column| cell(&column.name.as_str().into())))?;
    for row in &answer.rows {
        out.write_record(row.iter().map(cell))?;
    }
    let bytes = out.into_inner().map_err(|error| error.into_error())?;
    std::io::stdout().lock().write_all(&bytes)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::QueryColumn;

    fn answer() -> QueryAnswer {
        let column = |name: &str| QueryColumn { name: name.to_owned(), r#type: "VARCHAR".to_owned() };
        QueryAnswer {
            columns: vec![column("name"), column("rate")],
            rows: vec![vec!["a\tb\u{1b}[31m\nc".into(), 0.5.into()], vec![Value::Null, 12.into()]],
            cut: None,
        }
    }

    #[test]
    fn formulas_are_texts_in_csv_and_numbers_stay_numbers() {
        let shown = |value: Value| cell(&value);
        assert_eq!(shown("=1+1".into()), "'=1+1");
        assert_eq!(shown("@SUM(A1)".into()), "'@SUM(A1)");
        assert_eq!(shown("-inf".into()), "-inf");
        assert_eq!((shown((-2).into()), shown(Value::Null)), ("-2".to_owned(), String::new()));
    }

    #[test]
    fn hostile_texts_stay_on_their_line_and_absent_values_are_empty() {
        let look = |tsv| Look { width: None, wide: true, colour: false, tsv };
        let lines = table(&answer(), &look(false));
        assert!(!lines.contains('\u{1b}') && !lines.contains('\t'), "{lines:?}");
        assert_eq!(lines.lines().count(), 5, "{lines}");
        assert!(lines.ends_with("2 rows"), "{lines}");
        let tsv = table(&answer(), &look(true));
        assert_eq!(tsv.lines().map(|line| line.matches('\t').count()).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(tsv.lines().last(), Some("\t12"));
    }
}
