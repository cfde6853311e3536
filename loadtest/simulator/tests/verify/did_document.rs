//! The signing key in a DID document.

use k256::ecdsa::VerifyingKey;

const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The `#atproto` key; `None` if it is not a secp256k1 key.
pub(crate) fn signing_key(document: &serde_json::Value) -> Option<VerifyingKey> {
    let did = document["id"].as_str().expect("an id");
    let method = document["verificationMethod"]
        .as_array()
        .expect("verification methods")
        .iter()
        .find(|method| {
            let id = method["id"].as_str().unwrap_or_default();
            id == "#atproto" || id == format!("{did}#atproto")
        })
        .expect("an #atproto key");
    assert_eq!(method["type"], "Multikey");
    assert_eq!(method["controller"], did);
    let multibase = method["publicKeyMultibase"].as_str().expect("a key");
    let bytes = base58(multibase.strip_prefix('z').expect("base58btc"));
    let key = bytes.strip_prefix(&[0xe7, 0x01])?;
    Some(VerifyingKey::from_sec1_bytes(key).expect("a point"))
}

fn base58(text: &str) -> Vec<u8> {
    let mut bytes: Vec<u8> = Vec::new();
    for char in text.chars() {
        let mut carry = BASE58.find(char).expect("base58");
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = carry as u8;
            carry >>= 8;
        }
        while carry > 0 {
            bytes.insert(0, carry as u8);
            carry >>= 8;
        }
    }
    bytes
}
