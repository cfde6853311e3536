//! JSON text exactly as Jetstream v1 writes it: strings, numbers, `$bytes`.
//!
//! Everything appends to a `Vec<u8>` that the caller reuses; nothing here allocates otherwise. This crate knows
//! bytes and text only; which keys stand in which order is the business of its callers.

mod string;
mod number;
mod bytes;

pub use bytes::write_base64;
pub use number::{write_f64, write_i64, write_u64};
pub use string::{write_lossy_str, write_str};
