//! The signing key in a DID document.
//!
//! Specification: <https://atproto.com/specs/did#did-documents>: the first verification method whose id ends in
//! `#atproto` and whose controller is the DID itself.

use serde::Deserialize;

use crate::{KeyError, PublicKey};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    #[serde(default)]
    verification_method: Vec<Method>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    controller: String,
    #[serde(default)]
    public_key_multibase: Option<String>,
}

/// The current signing key of an account.
///
/// # Errors
/// [`KeyError`].
pub fn signing_key(did: &str, document: &[u8]) -> Result<PublicKey, KeyError> {
    let document: Document<'_> =
        serde_json::from_slice(document).map_err(|_| KeyError::Document)?;
    if document.id != did {
        return Err(KeyError::Document);
    }
    let method = document
        .verification_method
        .iter()
        .find(|method| is_signing_key(&method.id, did) && method.controller == did)
        .ok_or(KeyError::NoKey)?;
    let text = method
        .public_key_multibase
        .as_deref()
        .ok_or(KeyError::NoKey)?;
    match method.kind.as_str() {
        "Multikey" => PublicKey::parse(text),
        "EcdsaSecp256k1VerificationKey2019" => PublicKey::legacy_k256(text),
        "EcdsaSecp256r1VerificationKey2019" => PublicKey::legacy_p256(text),
        _ => Err(KeyError::NoKey),
    }
}

/// `#atproto`, alone or after the DID.
fn is_signing_key(id: &str, did: &str) -> bool {
    id.strip_suffix("#atproto")
        .is_some_and(|before| before.is_empty() || before == did)
}
