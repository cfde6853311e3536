//! The zstd dictionaries that Jetstream clients decode with.
//!
//! A frame made with one dictionary cannot be read with another, so the bytes are part of the contract with every
//! client that bundles them. This crate gives bytes and must never compress.

mod dictionary;
mod error;

pub use dictionary::{Dictionary, MAX_LEN, v1};
pub use error::{DictionaryError, Flaw};
