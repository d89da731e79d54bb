//! Makes the sentences of the published content from typed reasons and numbers.

pub mod alerts;
pub mod change_words;
pub mod changes;
mod flags;
pub mod following;
pub mod lists;
mod missing;
pub mod money;
mod offers;
pub mod preferences;
pub mod price_list;
pub mod providers;
pub mod seasons;
pub mod share;
pub mod shifts;
pub mod status;
pub mod targets;
pub mod verdicts;

pub use flags::flag;
pub use missing::Missing;
pub use offers::Obstacle;
