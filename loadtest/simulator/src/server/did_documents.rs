//! `GET /{did}` and `GET /{did}/log/audit`, as in a PLC directory. did:web documents are served here too.

use super::http::Reply;
use crate::Directory;

const AUDIT: &str = "/log/audit";

pub(super) fn get(directory: &Directory, path: &str) -> Reply {
    let path = path.trim_start_matches('/').replace("%3A", ":");
    let (did, is_audit) = match path.strip_suffix(AUDIT) {
        Some(did) => (did, true),
        None => (path.as_str(), false),
    };
    match directory.get(did) {
        Some(_) if is_audit => Reply::json(200, audit_log(did).to_string()),
        Some(document) => Reply::json(200, document),
        None => Reply::not_found(&format!("DID not registered: {did}")),
    }
}

/// The creation date of an account: a fixed day of the year 2023.
pub(super) fn created_at(did: &str) -> String {
    let sum: u32 = did.bytes().map(u32::from).sum();
    let (month, day) = (sum % 12 + 1, sum % 28 + 1);
    format!("2023-{month:02}-{day:02}T12:34:56.789Z")
}

fn audit_log(did: &str) -> serde_json::Value {
    serde_json::json!([{
        "did": did,
        "operation": {"type": "plc_operation", "prev": null, "sig": "", "rotationKeys": [], "alsoKnownAs": [], "verificationMethods": {}, "services": {}},
        "cid": "",
        "nullified": false,
        "createdAt": created_at(did),
    }])
}
