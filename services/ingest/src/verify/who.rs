//! Who knows a DID's document, if anybody may be asked. Pure.

use fanjet_did_web::{Reach, document_url, site};

/// Whom to ask for a DID's document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// The PLC directory.
    Plc,
    /// A stranger's host. All names under one domain share what a host may take.
    Web(Box<str>),
    /// Nobody: the DID is of a method that this network does not know, or of none that can be asked for.
    Nobody,
}

/// Letters and digits of a did:plc's identifier.
const PLC_LENGTH: usize = 24;

impl Who {
    pub(super) fn knows(did: &str) -> Self {
        if let Some(id) = did.strip_prefix("did:plc:") {
            let is_sound = id.len() == PLC_LENGTH
                && id
                    .bytes()
                    .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'));
            return if is_sound { Self::Plc } else { Self::Nobody };
        }
        match document_url(did, Reach::Public) {
            Some(url) => Self::Web(site(url.host_str().unwrap_or_default()).into()),
            None => Self::Nobody,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dids_that_somebody_may_know_are_asked_for() {
        let web = |domain: &str| Who::Web(domain.into());
        for (did, who) in [
            ("did:plc:wq4aajammjtxdomz3e23667t", Who::Plc),
            ("did:plc:wq4aajammjtxdomz3e23667", Who::Nobody),
            ("did:plc:wq4aajammjtxdomz3e23667T", Who::Nobody),
            ("did:plc:wq4aajammjtxdomz3e236671", Who::Nobody),
            ("did:web:example.com", web("example.com")),
            ("did:web:a.b.example.com", web("example.com")),
            ("did:web:localhost", Who::Nobody),
            ("did:web:example.com%3A8080", Who::Nobody),
            ("did:web:10.0.0.1", Who::Nobody),
            (
                "did:key:zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF",
                Who::Nobody,
            ),
            ("did:nobody:knows", Who::Nobody),
        ] {
            assert_eq!(Who::knows(did), who, "{did}");
        }
    }
}
