//! SQLite databases of clients, opened read-only: a client that is running is not disturbed. Each row of a table that a
//! reader knows is an entry.

use super::collect::{Collector, Stop};
use super::tap::Tap;
use crate::request_log::entry::Entry;
use crate::request_log::format::Format;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Tables that explain the rows of others, so readers get their rows first.
const FIRST_TABLES: [&str; 3] = ["session", "sessions", "conversations"];
/// Rows of each table that decide whether a reader knows it.
const ROWS_TO_RECOGNISE: usize = 50;
/// Bytes of the rows of one table, and of all tables, that are kept to decide the format, beside the first row of each.
const BYTES_OF_TABLE: usize = 4 << 20;
const MOST_BYTES_TO_RECOGNISE: usize = 32 << 20;
/// Largest value or row that is read, bytes.
const LONGEST_VALUE: i32 = 64 << 20;
/// How databases are opened.
const READ_ONLY: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);
/// Databases with a write-ahead log are copied up to this size, bytes.
const LARGEST_COPY: u64 = 8 << 30;
/// Characters that mean something in a URI of SQLite.
const RESERVED: &AsciiSet = &CONTROLS.add(b'%').add(b'?').add(b'#').add(b' ').add(b'\\');

/// Reads a database at its place. If a write-ahead log lies beside it, a copy of both is read, so that the latest rows
/// are found; its bytes are then part of the digest.
pub(super) fn read(path: &Path, tap: &Tap<'_>, out: &mut Collector) -> Result<(), Stop> {
    let log = beside(path, "-wal");
    let has_log = log.metadata().is_ok_and(|log| log.len() > 0);
    if !has_log {
        return rows(&immutable(path), out);
    }
    match copy(path, &log) {
        Ok(folder) => {
            tap.drain()?;
            tap.add(File::open(&log)?)?;
            out.note("the database was read from a copy, with the latest rows of its write-ahead log");
            rows(&own_copy(&folder.path().join("copy.db")), out)
        }
        Err(_) => {
            out.note(
                "the latest rows, in the write-ahead log beside the database, are not read: end the program that \
                 writes it and read it again",
            );
            rows(&immutable(path), out)
        }
    }
}

/// Reads a database that comes from standard input or is compressed.
pub(super) fn read_copied(source: &mut dyn Read, out: &mut Collector) -> Result<(), Stop> {
    let mut file = tempfile::NamedTempFile::new()?;
    // What could be decompressed before damage is read; the damage is reported after it.
    let copied = io::copy(&mut source.take(LARGEST_COPY + 1), &mut file).and_then(|bytes| {
        if bytes > LARGEST_COPY { Err(io::Error::other("too large to copy")) } else { Ok(bytes) }
    });
    file.flush()?;
    let read = rows(&immutable(file.path()), out);
    copied.map_err(Stop::Io).and(read)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn copy(path: &Path, log: &Path) -> io::Result<tempfile::TempDir> {
    if path.metadata()?.len() + log.metadata()?.len() > LARGEST_COPY {
        return Err(io::Error::other("too large to copy"));
    }
    let folder = tempfile::tempdir()?;
    std::fs::copy(path, folder.path().join("copy.db"))?;
    std::fs::copy(log, folder.path().join("copy.db-wal"))?;
    Ok(folder)
}

fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    let path = path.to_string_lossy();
    let uri = format!("file:{}?mode=ro&immutable=1", utf8_percent_encode(&path, RESERVED));
    hardened(Connection::open_with_flags(uri, READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?)
}

/// A copy beside its write-ahead log. The log has to be read, so the database cannot be immutable.
fn own_copy(path: &Path) -> rusqlite::Result<Connection> {
    hardened(Connection::open_with_flags(path, READ_ONLY)?)
}

/// Databases of others can be made to do harm: functions of their schema are not run, nothing is written, and large
/// values are refused.
fn hardened(connection: Connection) -> rusqlite::Result<Connection> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
    Ok(connection)
}

fn rows(connection: &rusqlite::Result<Connection>, out: &mut Collector) -> Result<(), Stop> {
    let tables = match connection {
        Ok(connection) => tables(connection).map(|tables| (connection, tables)),
        Err(error) => return damaged(error, 0, out),
    };
    let (connection, tables) = match tables {
        Ok(found) => found,
        Err(error) => return damaged(&error, 0, out),
    };
    // The first rows of every table decide the format; then the tables that the format knows are read whole.
    let mut sample: Vec<(Value, u64, &str)> = Vec::new();
    let mut sampled = 0;
    for table in &tables {
        let before = sample.len();
        let mut bytes_of_table = 0;
        let read = each(connection, table, Some(ROWS_TO_RECOGNISE), &mut |value, line, bytes| {
            bytes_of_table += bytes;
            // The first row of a table always counts.
            if line == 1 || bytes_of_table <= BYTES_OF_TABLE && sampled + bytes <= MOST_BYTES_TO_RECOGNISE {
                sampled += bytes;
                sample.push((value, line, table));
            }
            Ok(())
        });
        // Other tables that cannot be read belong to extensions of SQLite that are not there.
        if let Err(Failed::Row(error, line)) = read
            && sample.len() == before
            && is_damage(&error)
        {
            damaged(&error, line, out)?;
        }
    }
    let entries: Vec<Entry<'_>> =
        sample.iter().map(|(value, line, table)| Entry { value, line: *line, table: Some(table) }).collect();
    let chosen = match out.choose(&entries) {
        Some(format) => Some(format),
        None => choose_by_columns(connection, &tables, out),
    };
    let Some(format) = chosen else { return Err(Stop::Unknown) };
    let known: Vec<&String> = tables
        .iter()
        .filter(|table| {
            let mut own = entries.iter().filter(|entry| entry.table == Some(table.as_str()));
            own.any(|entry| out.knows(format, entry))
        })
        .collect();
    for table in known {
        let read = each(connection, table, None, &mut |value, line, bytes| {
            out.take(value, line, Some(table), bytes)
        });
        match read {
            Ok(()) => {}
            Err(Failed::Row(error, line)) => damaged(&error, line, out)?,
            Err(Failed::Stop(stop)) => return Err(stop),
        }
    }
    Ok(())
}

/// The format of a database whose known tables have no rows yet, by their columns.
fn choose_by_columns(
    connection: &Connection,
    tables: &[String],
    out: &mut Collector,
) -> Option<&'static Format> {
    let empty = |table: &String| {
        let quoted = table.replace('"', "\"\"");
        let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\" LIMIT 1")).ok()?;
        let columns = columns(connection, table).ok()?;
        let row = Value::Object(columns.into_iter().map(|name| (name, Value::from(""))).collect());
        statement.query([]).and_then(|mut rows| rows.next().map(|row| row.is_none())).ok()?.then_some(row)
    };
    let rows: Vec<(Value, &String)> =
        tables.iter().filter_map(|table| Some((empty(table)?, table))).collect();
    let entries: Vec<Entry<'_>> =
        rows.iter().map(|(value, table)| Entry { value, line: 0, table: Some(table) }).collect();
    out.choose(&entries)
}

fn damaged(error: &rusqlite::Error, line: u64, out: &mut Collector) -> Result<(), Stop> {
    // The message can contain names of the database, which are texts of the log.
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "the database is in use",
        Some(ErrorCode::TooBig) => "a row of more than 64 MiB",
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => "the database cannot be opened",
        Some(ErrorCode::OutOfMemory) => "the database needs more memory than there is",
        _ => "the database is damaged",
    };
    out.unread(reason, line);
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TooBig)
    )
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    let mut names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    names.sort_by_key(|name| !FIRST_TABLES.contains(&name.as_str()));
    Ok(names)
}

/// The names of the columns that `SELECT *` has. They are read as values: rusqlite panics on the name of a column that is
/// not UTF-8.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden <> 1 ORDER BY cid")?;
    let names = statement.query_map([table], |row| {
        row.get_ref(0).map(|name| match name {
            ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        })
    })?;
    names.collect()
}

enum Failed {
    Row(rusqlite::Error, u64),
    Stop(Stop),
}

/// Calls back with each row of a table, its position and its size.
fn each(
    connection: &Connection,
    table: &str,
    limit: Option<usize>,
    found: &mut dyn FnMut(Value, u64, usize) -> Result<(), Stop>,
) -> Result<(), Failed> {
    let quoted = table.replace('"', "\"\"");
    let limit = limit.map_or_else(String::new, |limit| format!(" LIMIT {limit}"));
    let at = |line| move |error| Failed::Row(error, line);
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\"{limit}")).map_err(at(0))?;
    let columns = columns(connection, table).map_err(at(0))?;
    let mut rows = statement.query([]).map_err(at(0))?;
    for line in 1.. {
        let Some(row) = rows.next().map_err(at(line))? else { break };
        let mut object = Map::new();
        let mut bytes = 0;
        for (place, column) in columns.iter().enumerate().take(row.as_ref().column_count()) {
            let value = row.get_ref(place).map_err(at(line))?;
            bytes += value.as_bytes_or_null().ok().flatten().map_or(8, <[u8]>::len);
            object.insert(column.clone(), json(value));
        }
        found(Value::Object(object), line, bytes).map_err(Failed::Stop)?;
    }
    Ok(())
}

fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        // A text that holds JSON stays a text: readers know which columns do.
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            std::str::from_utf8(bytes).map_or(Value::Null, |text| Value::String(text.to_owned()))
        }
    }
}
