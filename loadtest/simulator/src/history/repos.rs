//! The repos in what was published.

use std::collections::BTreeMap;

use data_encoding::BASE32_NOPAD;
use fanjet_event::Did;

use super::History;
use crate::ExpectedKind;
use crate::world::cbor;

/// The newest state of one repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownRepo {
    /// The CID of its newest commit.
    pub(crate) head: String,
    pub(crate) rev: String,
    pub(crate) active: bool,
}

impl History {
    /// The repos of all kept commits.
    pub(crate) fn repos(&self) -> BTreeMap<Did, KnownRepo> {
        let kept = self.kept.read();
        let mut repos = BTreeMap::<Did, KnownRepo>::new();
        let mut inactive = BTreeMap::<Did, bool>::new();
        for entry in kept.entries.iter().rev() {
            for event in &entry.expected {
                match &event.kind {
                    ExpectedKind::Account { active, .. } => {
                        inactive.entry(event.did.clone()).or_insert(!active);
                    }
                    ExpectedKind::Commit { rev, .. } if !repos.contains_key(&event.did) => {
                        let repo = KnownRepo {
                            head: commit_of(&entry.bytes).unwrap_or_default(),
                            rev: rev.clone(),
                            active: true,
                        };
                        repos.insert(event.did.clone(), repo);
                    }
                    _ => {}
                }
            }
        }
        for (did, repo) in &mut repos {
            repo.active = !inactive.get(did).copied().unwrap_or(false);
        }
        repos
    }
}

/// The CID of the commit object, as text.
fn commit_of(frame: &[u8]) -> Option<String> {
    let mut key = Vec::new();
    cbor::text(&mut key, "commit");
    // A tag, bytes of this length, and the prefix of binary CIDs.
    key.extend_from_slice(&[0xd8, 0x2a, 0x58, 0x25, 0x00]);
    let at = frame.windows(key.len()).position(|part| part == key)?;
    let cid = frame.get(at + key.len()..)?.get(..36)?;
    Some(format!(
        "b{}",
        BASE32_NOPAD.encode(cid).to_ascii_lowercase()
    ))
}
