//! Makes the sentences of the published content from typed reasons and numbers.

mod flags;
pub mod verdicts;

pub use flags::flag;
