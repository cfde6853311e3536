//! Keys and services in a DID document.
//!
//! Specification: <https://atproto.com/specs/did#did-documents>: an account's key is in the first verification method whose id ends
//! in `#atproto` and whose controller is the DID itself. A labeler's is in `#atproto_label`, and it is at the service
//! `#atproto_labeler`.

use serde::Deserialize;

use crate::{KeyError, PublicKey};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    id: std::borrow::Cow<'a, str>,
    #[serde(default)]
    verification_method: Vec<Method>,
    #[serde(default)]
    service: Vec<Service>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Service {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    /// A text, for the services that matter here.
    service_endpoint: serde_json::Value,
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

/// What a labeler's document says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelerDocument {
    /// Where it is.
    pub endpoint: Option<String>,
    /// The key that signs its labels.
    pub key: Result<PublicKey, KeyError>,
}

/// The current signing key of an account.
///
/// # Errors
/// [`KeyError`].
pub fn signing_key(did: &str, document: &[u8]) -> Result<PublicKey, KeyError> {
    key(did, &parsed(did, document)?, "#atproto")
}

/// Where a labeler is, and its current key.
///
/// # Errors
/// [`KeyError::Document`].
pub fn labeler(did: &str, document: &[u8]) -> Result<LabelerDocument, KeyError> {
    let document = parsed(did, document)?;
    let service = document.service.iter().find(|service| {
        is_named(&service.id, did, "#atproto_labeler") && service.kind == "AtprotoLabeler"
    });
    let endpoint = service.and_then(|service| service.service_endpoint.as_str());
    Ok(LabelerDocument {
        endpoint: endpoint.map(str::to_owned),
        key: key(did, &document, "#atproto_label"),
    })
}

fn parsed<'a>(did: &str, document: &'a [u8]) -> Result<Document<'a>, KeyError> {
    let document: Document<'a> =
        serde_json::from_slice(document).map_err(|_| KeyError::Document)?;
    match document.id == did {
        true => Ok(document),
        false => Err(KeyError::Document),
    }
}

fn key(did: &str, document: &Document<'_>, name: &str) -> Result<PublicKey, KeyError> {
    let method = document
        .verification_method
        .iter()
        .find(|method| is_named(&method.id, did, name) && method.controller == did)
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

/// A name with `#`, alone or after the DID.
fn is_named(id: &str, did: &str, name: &str) -> bool {
    id.strip_suffix(name)
        .is_some_and(|before| before.is_empty() || before == did)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DID: &str = "did:plc:ar7c4by46qjdydhdevvrndac";
    const KEY: &str = "zQ3shQo6TF2moaqMTrUZEM1jeuYRQXeHEx4evX9751y2qPqRA";
    const LABEL_KEY: &str = "zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme";

    fn document() -> serde_json::Value {
        serde_json::json!({
            "id": DID,
            "verificationMethod": [
                {"id": format!("{DID}#atproto"), "type": "Multikey", "controller": DID, "publicKeyMultibase": KEY},
                {"id": "#atproto_label", "type": "Multikey", "controller": DID, "publicKeyMultibase": LABEL_KEY},
            ],
            "service": [
                {"id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": "https://pds.example"},
                {"id": "#other", "type": "Other", "serviceEndpoint": {"uri": "x"}},
                {"id": "#atproto_labeler", "type": "AtprotoLabeler", "serviceEndpoint": "https://mod.bsky.app"},
            ],
        })
    }

    #[test]
    fn a_labeler_has_an_endpoint_and_a_key_of_its_own() {
        let text = document().to_string();
        let found = labeler(DID, text.as_bytes()).unwrap();
        assert_eq!(found.endpoint.as_deref(), Some("https://mod.bsky.app"));
        assert_eq!(found.key, PublicKey::parse(LABEL_KEY));
        assert_eq!(signing_key(DID, text.as_bytes()), PublicKey::parse(KEY));
        assert_ne!(found.key, signing_key(DID, text.as_bytes()));
    }

    #[test]
    fn an_account_without_a_labeler_has_neither() {
        let mut account = document();
        account["service"].as_array_mut().unwrap().truncate(1);
        account["verificationMethod"]
            .as_array_mut()
            .unwrap()
            .truncate(1);
        let found = labeler(DID, account.to_string().as_bytes()).unwrap();
        assert_eq!(found.endpoint, None);
        assert_eq!(found.key, Err(KeyError::NoKey));
        let other = labeler("did:plc:other", account.to_string().as_bytes());
        assert_eq!(other, Err(KeyError::Document));
    }
}
