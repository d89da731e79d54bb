//! What the layers of the service report to each other about a request or a response, as extensions.

/// Marks a request for a prepared answer. It is never limited, even if the answer has to be made again because the data
/// became an hour older.
#[derive(Clone)]
pub(super) struct Unlimited;

/// Marks a response that came from the cache, without routing.
#[derive(Debug, Clone, Copy)]
pub(super) struct FromKept;
