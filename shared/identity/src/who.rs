//! Which host serves a DID's document. Pure.

use fanjet_did_web::{Reach, document_url, site};

/// Letters and digits of a did:plc identifier.
const PLC_LENGTH: usize = 24;

/// The source of a DID's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The PLC directory.
    Plc,
    /// A host that the account's owner chose, if [it is allowed](Who::site).
    Web,
    /// None: the DID's method is unknown, or the DID is malformed.
    Unsupported,
}

impl Who {
    /// Derived from the DID alone, so it costs nothing.
    pub fn knows(did: &str) -> Self {
        if let Some(id) = did.strip_prefix("did:plc:") {
            let is_digit = |byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7');
            let is_sound = id.len() == PLC_LENGTH && id.bytes().all(is_digit);
            return if is_sound {
                Self::Plc
            } else {
                Self::Unsupported
            };
        }
        match did.starts_with("did:web:") {
            true => Self::Web,
            false => Self::Unsupported,
        }
    }

    /// The site that a lookup of a DID's document counts against: the site of the DID's host, and an empty name for the
    /// directory. `None` if the DID cannot be looked up.
    pub fn site(did: &str, reach: Reach) -> Option<String> {
        match Self::knows(did) {
            Self::Plc => Some(String::new()),
            Self::Web => document_url(did, reach)?.host_str().map(site),
            Self::Unsupported => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dids_that_somebody_may_know_are_asked_for() {
        for (did, who, site) in [
            ("did:plc:wq4aajammjtxdomz3e23667t", Who::Plc, Some("")),
            ("did:plc:wq4aajammjtxdomz3e23667", Who::Unsupported, None),
            ("did:plc:wq4aajammjtxdomz3e23667T", Who::Unsupported, None),
            ("did:plc:wq4aajammjtxdomz3e236671", Who::Unsupported, None),
            ("did:web:example.com", Who::Web, Some("example.com")),
            ("did:web:a.b.EXAMPLE.com", Who::Web, Some("example.com")),
            ("did:web:localhost", Who::Web, None),
            ("did:web:example.com%3A8080", Who::Web, None),
            ("did:web:10.0.0.1", Who::Web, None),
            (
                "did:key:zQ3shXjHeiBuRCKmM36cuYnm7YEMzhGnCmCyW92sRJ9pribSF",
                Who::Unsupported,
                None,
            ),
            ("did:unknown:method", Who::Unsupported, None),
        ] {
            assert_eq!(Who::knows(did), who, "{did}");
            assert_eq!(Who::site(did, Reach::Public).as_deref(), site, "{did}");
        }
    }

    #[test]
    fn a_host_of_ones_own_network_has_a_site_where_it_may_be_asked() {
        let did = "did:web:localhost%3A8080";
        let site = Who::site(did, Reach::Private);
        assert_eq!(site.as_deref(), Some("localhost"));
    }
}
