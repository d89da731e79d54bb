//! The terminal: how wide it is, whether to use colour, and whether standard output is a pipe.

use clap::ValueEnum;
use rustix::termios::tcgetwinsize;
use std::io::{self, IsTerminal};

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

impl When {
    /// Whether to use colour. A value on the command line overrides `NO_COLOR`, as <https://no-color.org> recommends.
    fn applies(self, is_terminal: bool, no_color: bool) -> bool {
        match self {
            Self::Auto => is_terminal && !no_color,
            Self::Always => true,
            Self::Never => false,
        }
    }

    /// Whether to use colour on standard error.
    pub fn on_standard_error(self) -> bool {
        self.applies(io::stderr().is_terminal(), no_color())
    }
}

/// The form of tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    #[default]
    Auto,
    Text,
    Tsv,
}

/// How results are written on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    /// Columns of the terminal; `None` if lines may have any length.
    pub width: Option<usize>,
    /// Whether tables show every column.
    pub wide: bool,
    /// Whether to use colour.
    pub colour: bool,
    /// Whether tables are tab-separated values.
    pub tsv: bool,
}

impl Look {
    /// How results are written on the standard output of this process.
    pub fn of(form: Form, colour: When, wide: bool) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let tsv = match form {
            Form::Auto => !is_terminal,
            Form::Text => false,
            Form::Tsv => true,
        };
        Self { width: width(), wide, colour: !tsv && colour.applies(is_terminal, no_color()), tsv }
    }
}

/// Whether `NO_COLOR` is set and not empty.
fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// The width from `COLUMNS`, otherwise that of the terminal; `None` without either.
fn width() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    named.filter(|columns| *columns > 0).or_else(|| {
        let size = tcgetwinsize(io::stdout()).or_else(|_| tcgetwinsize(io::stderr())).ok()?;
        Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_without_no_color_unless_the_command_line_decides() {
        assert!(When::Auto.applies(true, false));
        assert!(!When::Auto.applies(true, true), "NO_COLOR");
        assert!(!When::Auto.applies(false, false), "a pipe");
        assert!(When::Always.applies(false, true));
        assert!(!When::Never.applies(true, false));
    }
}
