//! What several tests share.

pub mod markers;
