//! Any bytes as a DID document, and as a key: no panic.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _key = fanjet_verify::signing_key("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _key = fanjet_verify::PublicKey::parse(text);
    }
});
