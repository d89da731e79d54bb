//! The outbox: what waits on disk, when it is sent, and what happened.
