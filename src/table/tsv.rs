//! Tables as tab-separated values, for pipes.

use super::{Cell, Row};
use std::fmt::Write;

/// Rows as tab-separated values: a header, then one line per row, each terminated by a line feed. An absent value is
/// empty; backslashes and control characters of a text are escaped: `\\`, `\t`, `\n`, `\r`, `\u{1b}`.
pub fn tsv<T: Row<N>, const N: usize>(rows: impl IntoIterator<Item = T>) -> String {
    let mut out = T::COLUMNS.join("\t");
    out.push('\n');
    for row in rows {
        for (at, cell) in row.cells().iter().enumerate() {
            if at > 0 {
                out.push('\t');
            }
            match cell {
                Cell::Text(text) => write_escaped(text, &mut out),
                other => other.write(&mut out),
            }
        }
        out.push('\n');
    }
    out
}

/// Writes a text as one field on one line.
fn write_escaped(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\\' => *out += "\\\\",
            '\t' => *out += "\\t",
            '\n' => *out += "\\n",
            '\r' => *out += "\\r",
            // Writing to a String cannot fail.
            c if c.is_control() => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::columns;

    struct Named(&'static str, Option<f64>);

    columns!(Named, |row| {
        "name": Cell::text(row.0),
        "rate": Cell::Number(row.1),
    });

    #[test]
    fn a_field_is_one_field_on_one_line() {
        let rows = [Named("a\tb\r\nc\\d\u{1b}[31m", None), Named("=1+1, \"x\"", Some(0.25))];
        assert_eq!(tsv(&rows), "name\trate\na\\tb\\r\\nc\\\\d\\u{1b}[31m\t\n=1+1, \"x\"\t0.25\n");
    }
}
