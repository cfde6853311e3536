//! The same decoder, built plainly on serde_ipld_dagcbor, iroh-car and serde_json, as a reference for the fast one.
//!
//! It builds trees and copies everything; nothing outside tests, fuzzing and benchmarks may use it. The `compare_*`
//! functions run both decoders on the same bytes and report where they disagree, except for the differences that the
//! crate's documentation lists.

mod value;

mod json;
mod record;

mod frame;

pub mod build;
pub mod repo;

mod compare;

pub use compare::{compare_car, compare_frame, compare_record};
pub use frame::{Blocks, CarBlocks, SlowContent, SlowFrame, SlowOperation, read_car, read_frame};
pub use record::record_json;

use serde_ipld_dagcbor::DecodeError;

/// Why the oracle rejects the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A text is not UTF-8.
    NotUtf8,
    /// Anything else, described.
    Other(String),
}

impl Refusal {
    fn new(why: &str) -> Self {
        Self::Other(why.to_owned())
    }
}

impl<E: std::fmt::Debug> From<DecodeError<E>> for Refusal {
    fn from(error: DecodeError<E>) -> Self {
        match error {
            DecodeError::RequireUtf8 { .. } => Self::NotUtf8,
            other => Self::Other(format!("{other:?}")),
        }
    }
}

impl From<iroh_car::Error> for Refusal {
    fn from(error: iroh_car::Error) -> Self {
        Self::Other(error.to_string())
    }
}
