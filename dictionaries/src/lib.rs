//! The zstd dictionaries that Jetstream clients decode with.
//!
//! A frame made with one dictionary cannot be read with another, so the bytes are part of the contract with every
//! client that bundles them. This crate gives bytes and must never compress.

mod error;
mod dictionary;

pub use dictionary::{Dictionary, v1, v2};
pub use error::{DictionaryError, Flaw, MAX_LEN};
