//! The DID documents of all accounts, as in a PLC directory. Written by the world, read by the server.

use std::collections::HashMap;
use std::sync::Arc;

use fanjet_event::Did;
use parking_lot::RwLock;
use serde_json::json;

/// DID documents by DID. Clones share the same documents.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    documents: Arc<RwLock<HashMap<Did, String>>>,
}

impl Directory {
    /// The current document of a DID as JSON text.
    pub fn get(&self, did: &str) -> Option<String> {
        self.documents.read().get(did).cloned()
    }

    /// The number of DIDs.
    pub fn len(&self) -> usize {
        self.documents.read().len()
    }

    /// Whether there are no DIDs.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The document of a labeler, which has a key of its own.
    pub(crate) fn set_labeler(&self, did: &Did, key: &str, label_key: &str, endpoint: &str) {
        let id = did.as_str();
        let method = |name: &str, key: &str| {
            json!({
                "id": format!("{id}#{name}"),
                "type": "Multikey",
                "controller": id,
                "publicKeyMultibase": key,
            })
        };
        let document = json!({
            "id": id,
            "alsoKnownAs": ["at://labeler.example"],
            "verificationMethod": [method("atproto", key), method("atproto_label", label_key)],
            "service": [
                {
                    "id": "#atproto_pds",
                    "type": "AtprotoPersonalDataServer",
                    "serviceEndpoint": "https://pds.example",
                },
                {
                    "id": "#atproto_labeler",
                    "type": "AtprotoLabeler",
                    "serviceEndpoint": endpoint,
                },
            ],
        });
        self.documents
            .write()
            .insert(did.clone(), document.to_string());
    }

    pub(crate) fn set(&self, did: &Did, handle: &str, public_key_multibase: &str) {
        let id = did.as_str();
        let document = json!({
            "@context": [
                "https://www.w3.org/ns/did/v1",
                "https://w3id.org/security/multikey/v1",
                "https://w3id.org/security/suites/secp256k1-2019/v1",
            ],
            "id": id,
            "alsoKnownAs": [format!("at://{handle}")],
            "verificationMethod": [{
                "id": format!("{id}#atproto"),
                "type": "Multikey",
                "controller": id,
                "publicKeyMultibase": public_key_multibase,
            }],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": "https://pds.example",
            }],
        });
        self.documents
            .write()
            .insert(did.clone(), document.to_string());
    }
}
