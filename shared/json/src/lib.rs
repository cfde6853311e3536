//! JSON text exactly as Jetstream v1 writes it: strings, numbers, `$bytes`.
//!
//! Every function appends to a `Vec<u8>` that the caller reuses; nothing here allocates otherwise. This crate handles
//! bytes and text only; callers decide which keys an object has and in which order.

mod string;
mod number;
mod bytes;

pub use bytes::write_base64;
pub use number::{write_f64, write_i64, write_u64};
pub use string::{write_lossy_str, write_str};
