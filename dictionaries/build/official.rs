//! Which bytes the official dictionary of Jetstream v1 has, and where they can be had.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The package that carries the dictionary; its version is pinned in the workspace's dependency table.
pub(crate) const PACKAGE: &str = "rocketman";
pub(crate) const VERSION: &str = "0.4.0";
/// The dictionary inside the package.
pub(crate) const FILE: &str = "zstd/dictionary";

const LEN: usize = 112_640;
const SHA256: &str = "b8d77b46933aceecbdd5275a01241efc985c970c78162b8150cf67a26522f70c";

/// Whether these are the bytes that clients have bundled; if not, what was expected and what was found.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    let (len, sha256) = (bytes.len(), HEXLOWER.encode(&Sha256::digest(bytes)));
    if (len, sha256.as_str()) == (LEN, SHA256) {
        return Ok(());
    }
    Err(format!(
        "not the dictionary of Jetstream v1: expected {LEN} bytes with sha256 {SHA256}, found {len} bytes with \
         sha256 {sha256}"
    ))
}
