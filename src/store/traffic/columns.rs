//! The columns of the table of calls.
