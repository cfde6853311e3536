//! `GET /{did}`, as a PLC directory answers it. did:web documents are found here too.

use super::http::Reply;
use crate::Directory;

pub(super) fn get(directory: &Directory, path: &str) -> Reply {
    let did = path.trim_start_matches('/').replace("%3A", ":");
    match directory.get(&did) {
        Some(document) => Reply::json(200, document),
        None => Reply::not_found(&format!("DID not registered: {did}")),
    }
}
