//! Makes the sentences of the published content from typed reasons and numbers.

mod flags;
pub mod lists;
mod missing;
mod offers;
pub mod preferences;
pub mod price_list;
pub mod targets;
pub mod verdicts;

pub use flags::flag;
pub use missing::Missing;
pub use offers::Obstacle;
