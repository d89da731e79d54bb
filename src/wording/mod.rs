//! Makes the sentences of the published content from typed reasons and numbers.

pub mod changes;
mod flags;
pub mod imports;
pub mod lists;
mod missing;
pub mod money;
mod offers;
pub mod preferences;
pub mod price_list;
pub mod providers;
pub mod status;
pub mod targets;
pub mod verdicts;

pub use flags::flag;
pub use missing::Missing;
pub use offers::Obstacle;
