//! What is looked up about accounts.

/// What is looked up: a closed set, as at-kafka's metrics name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LookUp {
    /// DID documents of the directory.
    Identity,
    /// DID documents on hosts that did:web accounts name.
    Web,
    /// The beginnings of audit logs.
    Audit,
    /// Profiles.
    Profile,
    /// Whose a handle is, by name servers and hosts that handles name.
    Handle,
}

impl LookUp {
    /// The metric label.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Identity => "did_doc",
            Self::Web => "did_web",
            Self::Audit => "audit_log",
            Self::Profile => "profile",
            Self::Handle => "handle",
        }
    }

    /// Whether strangers say who is asked.
    pub(crate) fn is_strangers(self) -> bool {
        matches!(self, Self::Web | Self::Handle)
    }
}
