//! The pages of the private listener. They have the look of the site and a frame of their own.

use super::routes::OwnState;
use axum::Router;
use std::sync::Arc;

/// The page on which a browser logs in.
pub fn login(_place: &str) -> String {
    String::new()
}

/// The pages.
pub fn router(_state: Arc<OwnState>) -> Router {
    Router::new()
}
