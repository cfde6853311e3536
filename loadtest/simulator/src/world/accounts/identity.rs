//! Names of accounts: handles, and did:plc identifiers generated as in the PLC directory.

use std::sync::Arc;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use fanjet_event::Did;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::SimulatorError;
use crate::world::cbor;
use crate::world::keys::AccountKey;

const NAMES: [&str; 16] = [
    "ada", "bento", "chiara", "dmitri", "emi", "farid", "greta", "hugo", "ines", "juno", "kofi",
    "lena", "mika", "noor", "olu", "priya",
];

/// A unique handle: it contains the account's number.
pub(super) fn handle(rng: &mut ChaCha8Rng, index: usize) -> String {
    let name = NAMES[rng.random_range(0..NAMES.len())];
    let tag = rng.random_range(0..100);
    match rng.random_range(0..4) {
        0 => format!("{name}{tag}.n{index}.example.com"),
        _ => format!("{name}-{tag}-{index}.pds.example"),
    }
}

/// `did:plc:` and the first 24 base32 characters of the SHA-256 of the signed genesis operation.
pub(super) fn plc_did(key: &AccountKey, handle: &str) -> Result<Did, SimulatorError> {
    let signature = key.sign(&genesis_operation(key, handle, None));
    let signed = genesis_operation(key, handle, Some(&BASE64URL_NOPAD.encode(&signature)));
    let hash = BASE32_NOPAD.encode(&Sha256::digest(&signed)).to_lowercase();
    Ok(Did::parse(Arc::from(format!("did:plc:{}", &hash[..24])))?)
}

/// The DAG-CBOR of a `plc_operation` that creates an identity.
fn genesis_operation(key: &AccountKey, handle: &str, signature: Option<&str>) -> Vec<u8> {
    let did_key = format!("did:key:{}", key.public_multibase());
    let out = &mut Vec::with_capacity(512);
    cbor::map(out, 6 + usize::from(signature.is_some()));
    if let Some(signature) = signature {
        cbor::text(out, "sig");
        cbor::text(out, signature);
    }
    cbor::text(out, "prev");
    cbor::null(out);
    cbor::text(out, "type");
    cbor::text(out, "plc_operation");
    cbor::text(out, "services");
    cbor::map(out, 1);
    cbor::text(out, "atproto_pds");
    cbor::map(out, 2);
    cbor::text(out, "type");
    cbor::text(out, "AtprotoPersonalDataServer");
    cbor::text(out, "endpoint");
    cbor::text(out, "https://pds.example");
    cbor::text(out, "alsoKnownAs");
    cbor::array(out, 1);
    cbor::text(out, &format!("at://{handle}"));
    cbor::text(out, "rotationKeys");
    cbor::array(out, 1);
    cbor::text(out, &did_key);
    cbor::text(out, "verificationMethods");
    cbor::map(out, 1);
    cbor::text(out, "atproto");
    cbor::text(out, &did_key);
    std::mem::take(out)
}
