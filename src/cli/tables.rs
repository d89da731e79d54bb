//! Results for people: lines of text and tables that fit the terminal. The table of a verb is in the file of the verb.
//!
//! Columns are dropped by priority until a table fits, then names are shortened in the middle. In a pipe, a table is
//! tab-separated values without units.

use super::terminal::Look;
use crate::domain::format;
use crate::domain::tier::Tier;
use crate::site;

/// Spaces between two columns.
const GAP: usize = 2;
/// A column of names is shortened to this width before a column is dropped.
const LEAST_NAME: usize = 14;
/// A name in a line of text is shortened to this width.
const LONGEST_NAME: usize = 80;

/// Upstream text as one line, without characters that a terminal would interpret or that change the direction of text.
pub(super) fn clean(text: &str) -> String {
    shorten(&line(text), LONGEST_NAME)
}

/// The same at any length.
pub(super) fn line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if matches!(c, '\t' | '\n' | '\r') { ' ' } else { c }).collect();
    site::clean(spaced)
}

/// A value as text; a dash if it is absent.
pub(super) fn dash<T>(value: Option<T>, text: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), text)
}

pub(super) fn fixed(value: Option<f64>, decimals: usize) -> String {
    dash(value, |value| format!("{value:.decimals$}"))
}

pub(super) fn percent(value: Option<f64>) -> String {
    dash(value, |value| format::percent(value, 1))
}

/// The mean cost of sessions: dollars with three decimals in every row.
pub(super) fn session(cost: Option<f64>) -> String {
    dash(cost, |cost| format!("${cost:.3}"))
}

/// A cost at the list prices of now behind the usual one: ` (now $0.12)`; nothing if they hardly differ.
pub(super) fn now(cost: Option<f64>, usd: impl Fn(f64) -> String) -> String {
    cost.map_or_else(String::new, |cost| format!(" (now {})", usd(cost)))
}

/// Dollars with three significant digits, and at least whole cents.
pub(super) fn usd(amount: f64) -> String {
    format::usd_fixed(amount, 3)
}

pub(super) fn thousands(count: f64) -> String {
    match count {
        c if c >= 9.95e5 => format!("{:.1} M", c / 1e6),
        c if c >= 9.95e3 => format!("{:.0} k", c / 1e3),
        c => format!("{c:.0}"),
    }
}

/// What a column contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Names of any length.
    Name,
    Number,
    /// The letter of a tier.
    Tier,
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    header: &'static str,
    /// 1 is never dropped; of the others, the highest is dropped first, and of equal ones the last.
    priority: u8,
    kind: Kind,
}

/// A column of short texts.
pub(super) const fn text(header: &'static str, priority: u8) -> Column {
    Column { header, priority, kind: Kind::Text }
}

/// A column of names, which may be shortened.
pub(super) const fn name(header: &'static str, priority: u8) -> Column {
    Column { header, priority, kind: Kind::Name }
}

/// A column of numbers, aligned to the right.
pub(super) const fn number(header: &'static str, priority: u8) -> Column {
    Column { header, priority, kind: Kind::Number }
}

/// A column of tiers.
pub(super) const fn tier(header: &'static str, priority: u8) -> Column {
    Column { header, priority, kind: Kind::Tier }
}

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
    /// The same rows as [`crate::table::tsv`]; `None` if a pipe receives them in another table.
    tsv: Option<String>,
}

impl Table {
    /// A table without rows; `tsv` are its rows for a pipe.
    pub fn new(columns: &[Column], tsv: impl Into<Option<String>>) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), tsv: tsv.into() }
    }

    /// Adds a row with a cell for each column.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| line(&cell.into())).collect());
    }

    /// Adds rows.
    pub fn rows<T: Into<String>, R: IntoIterator<Item = T>>(&mut self, rows: impl IntoIterator<Item = R>) {
        rows.into_iter().for_each(|row| self.row(row));
    }

    fn cell(&self, row: usize, column: usize) -> &str {
        self.rows[row].get(column).map_or("", String::as_str)
    }

    /// Whether no row has a value in a column.
    fn is_empty(&self, column: usize) -> bool {
        !self.rows.is_empty() && (0..self.rows.len()).all(|row| matches!(self.cell(row, column), "" | "-"))
    }

    fn natural(&self, column: usize) -> usize {
        let cells = (0..self.rows.len()).map(|row| width(self.cell(row, column)));
        cells.max().unwrap_or_default().max(width(self.columns[column].header))
    }

    /// The columns to show with their widths, and the headers of those that do not fit. A column without any value is
    /// left out, unless every column is requested.
    fn fit(&self, look: &Look) -> (Vec<(usize, usize)>, Vec<&'static str>) {
        let is_shown =
            |column: &usize| look.wide || self.columns[*column].priority == 1 || !self.is_empty(*column);
        let mut kept: Vec<(usize, usize)> =
            (0..self.columns.len()).filter(is_shown).map(|column| (column, self.natural(column))).collect();
        let Some(room) = look.width.filter(|_| !look.wide) else { return (kept, Vec::new()) };
        let natural = kept.clone();
        for (column, width) in &mut kept {
            if self.columns[*column].kind == Kind::Name {
                *width = (*width).min(LEAST_NAME);
            }
        }
        let mut dropped = Vec::new();
        while total(&kept) > room {
            let priority = |(column, _): &(usize, usize)| self.columns[*column].priority;
            let lowest =
                (0..kept.len()).max_by_key(|at| priority(&kept[*at])).filter(|at| priority(&kept[*at]) > 1);
            let Some(lowest) = lowest else { break };
            dropped.push(kept.remove(lowest).0);
        }
        // Names take the room that is left, the narrowest first; without room, the widest column gives way.
        loop {
            let spare = room.checked_sub(total(&kept));
            let wanted = |(column, width): &(usize, usize)| natural.contains(&(*column, *width));
            let changed = match spare {
                Some(0) => None,
                Some(_) => kept.iter_mut().filter(|column| !wanted(column)).min_by_key(|(_, width)| *width),
                None => kept.iter_mut().filter(|(_, width)| *width > 1).max_by_key(|(_, width)| *width),
            };
            let Some((_, width)) = changed else { break };
            *width = if spare.is_some() { *width + 1 } else { *width - 1 };
        }
        dropped.sort_unstable();
        (kept, dropped.into_iter().map(|column| self.columns[column].header).collect())
    }

    /// The lines of the table; the last one names what is hidden.
    fn lines(&self, look: &Look) -> Vec<String> {
        let (columns, hidden) = self.fit(look);
        let styled = |text: String, style: &str| match look.colour && !style.is_empty() {
            true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
            false => text,
        };
        let joined = |cells: Vec<String>| cells.join(&" ".repeat(GAP)).trim_end().to_owned();
        let header = columns.iter().map(|(column, width)| {
            let Column { header, kind, .. } = self.columns[*column];
            styled(pad(header, *width, kind), "1")
        });
        let rule = columns.iter().map(|(_, width)| styled("─".repeat(*width), "2"));
        let mut lines = vec![joined(header.collect()), joined(rule.collect())];
        for row in 0..self.rows.len() {
            let cells = columns.iter().map(|(column, width)| {
                let (cell, kind) = (self.cell(row, *column), self.columns[*column].kind);
                let style = if kind == Kind::Tier { style_of(cell) } else { "" };
                styled(pad(cell, *width, kind), style)
            });
            lines.push(joined(cells.collect()));
        }
        if !hidden.is_empty() {
            lines.push(format!("Not shown: {} (--wide shows all columns)", hidden.join("; ")));
        }
        lines
    }
}

/// The width of a row.
fn total(columns: &[(usize, usize)]) -> usize {
    columns.iter().map(|(_, width)| width).sum::<usize>() + columns.len().saturating_sub(1) * GAP
}

/// The ANSI style of a tier; none for an unknown one.
fn style_of(tier: &str) -> &'static str {
    let known = [Tier::S, Tier::A, Tier::B, Tier::C, Tier::D, Tier::F, Tier::Unrated];
    match known.into_iter().find(|one| one.as_str() == tier) {
        Some(Tier::S) => "1;32",
        Some(Tier::A) => "32",
        Some(Tier::B) => "36",
        Some(Tier::C) => "33",
        Some(Tier::D) => "35",
        Some(Tier::F) => "31",
        Some(Tier::Unrated) => "2",
        None => "",
    }
}

/// A cell of exactly this width.
fn pad(text: &str, wanted: usize, kind: Kind) -> String {
    let text = shorten(text, wanted);
    let spaces = " ".repeat(wanted.saturating_sub(width(&text)));
    if kind == Kind::Number { spaces + &text } else { text + &spaces }
}

/// Columns of the terminal that a text of one line takes. comfy-table measures it, by the East Asian widths of Unicode.
pub(super) fn width(text: &str) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    let mut measured = comfy_table::Table::new();
    measured.add_row([text]);
    measured.column_max_content_widths().first().map_or(0, |width| usize::from(*width))
}

/// A text of at most this width; what is left out is in the middle, because names often differ at the end.
fn shorten(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let Some(room) = most.checked_sub(1) else { return String::new() };
    let behind = room / 3;
    let taken = |chars: &mut dyn Iterator<Item = char>, room: usize| {
        let (mut used, mut taken) = (0, Vec::new());
        for c in chars {
            used += width(c.encode_utf8(&mut [0; 4]));
            if used > room {
                break;
            }
            taken.push(c);
        }
        taken
    };
    let head: String = taken(&mut text.chars(), room - behind).into_iter().collect();
    let tail: String = taken(&mut text.chars().rev(), behind).into_iter().rev().collect();
    format!("{}…{}", head.trim_end(), tail.trim_start())
}

/// Lines of at most `most` columns, broken at spaces; a longer word is shortened.
fn wrap(text: &str, most: usize) -> String {
    let wrapped = |line: &str| {
        let (mut lines, mut current, mut used) = (Vec::new(), String::new(), 0);
        for word in line.split(' ') {
            let word = shorten(word, most);
            let length = width(&word);
            if used > 0 && used + 1 + length > most {
                lines.push(std::mem::take(&mut current));
                used = 0;
            }
            if used > 0 {
                current.push(' ');
                used += 1;
            }
            current.push_str(&word);
            used += length;
        }
        lines.push(current);
        lines.join("\n")
    };
    text.lines().map(wrapped).collect::<Vec<_>>().join("\n")
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// A text that goes to standard error if a pipe receives the tables.
    Aside(String),
    Table(Table),
}

/// What a verb prints for people: texts and tables, one below the other.
#[derive(Debug, Default)]
pub(super) struct Report {
    parts: Vec<Part>,
}

impl Report {
    /// Adds lines of text; an empty text adds nothing.
    pub fn text(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        let text = text.strip_prefix('\n').unwrap_or(&text);
        if !text.is_empty() {
            self.parts.push(Part::Text(text.to_owned()));
        }
        self
    }

    /// Adds a table.
    pub fn table(mut self, table: Table) -> Self {
        self.parts.push(Part::Table(table));
        self
    }

    /// Adds a text that belongs on standard error if a pipe receives the tables; an empty text adds nothing.
    pub fn aside(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.parts.push(Part::Aside(text));
        }
        self
    }

    /// Adds the line above simulated data.
    pub fn simulated(self, simulated: bool) -> Self {
        self.aside(if simulated { "SIMULATED DATA: generated by the demo's upstream" } else { "" })
    }

    /// The texts for standard error, if a pipe receives the tables.
    pub fn asides(&self, look: &Look) -> Vec<&str> {
        let asides = self.parts.iter().filter_map(|part| match part {
            Part::Aside(text) => Some(text.as_str()),
            Part::Text(_) | Part::Table(_) => None,
        });
        if self.is_tsv(look) { asides.collect() } else { Vec::new() }
    }

    fn is_tsv(&self, look: &Look) -> bool {
        look.tsv && self.parts.iter().any(|part| matches!(part, Part::Table(table) if table.tsv.is_some()))
    }

    /// The lines, without a line break at the end. Tab-separated tables are separated by an empty line.
    pub fn render(&self, look: &Look) -> String {
        if self.is_tsv(look) {
            let tables = self.parts.iter().filter_map(|part| match part {
                Part::Table(table) => table.tsv.as_deref(),
                Part::Text(_) | Part::Aside(_) => None,
            });
            return tables.collect::<Vec<_>>().join("\n").trim_end_matches('\n').to_owned();
        }
        let fitted = |text: &str| match look.width {
            Some(width) => wrap(text, width),
            None => text.lines().collect::<Vec<_>>().join("\n"),
        };
        let lines = self.parts.iter().map(|part| match part {
            Part::Text(text) | Part::Aside(text) => fitted(text),
            Part::Table(table) => {
                let mut lines = table.lines(look);
                let drawn = 2 + table.rows.len();
                lines.iter_mut().skip(drawn).for_each(|line| *line = fitted(line));
                lines.join("\n")
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests;
