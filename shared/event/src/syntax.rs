//! One error type and one set of conversions for all validated strings.

use thiserror::Error;

/// A string that breaks the syntax of its type. Retrying cannot help: the sender is at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("invalid {what}: {value:?} ({rule})")]
pub struct Invalid {
    /// The type that rejected the value, named as in the specification: `DID`, `NSID`, ...
    pub what: &'static str,
    /// The rejected text, cut to [`Invalid::SHOWN`] bytes on a character boundary.
    pub value: String,
    /// What is allowed.
    pub rule: &'static str,
}

impl Invalid {
    /// How many bytes of a rejected value an error shows: the value may come from an untrusted peer.
    pub const SHOWN: usize = 128;

    pub(crate) fn new(what: &'static str, value: &str, rule: &'static str) -> Self {
        let end = (0..=value.len().min(Self::SHOWN))
            .rev()
            .find(|&end| value.is_char_boundary(end))
            .unwrap_or(0);
        Self {
            what,
            value: value[..end].to_owned(),
            rule,
        }
    }
}

/// Implements a validated string generic over its storage: `Type<&str>` borrows from a frame, `Type<Arc<str>>` (the
/// default) is shared.
macro_rules! validated_string {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $is_valid:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name<S = std::sync::Arc<str>>(S);

        impl<S: AsRef<str>> $name<S> {
            /// Validates the syntax.
            ///
            /// # Errors
            /// [`Invalid`](crate::Invalid) with the rule that is broken.
            pub fn parse(text: S) -> Result<Self, crate::Invalid> {
                if $is_valid(text.as_ref()) {
                    Ok(Self(text))
                } else {
                    Err(crate::Invalid::new($what, text.as_ref(), $rule))
                }
            }

            /// The validated text.
            pub fn as_str(&self) -> &str {
                self.0.as_ref()
            }

            /// The same value, borrowed.
            pub fn borrowed(&self) -> $name<&str> {
                $name(self.0.as_ref())
            }

            /// The same value, shared. Allocates unless it is shared already; intern it on hot paths.
            pub fn shared(&self) -> $name {
                $name(std::sync::Arc::from(self.0.as_ref()))
            }
        }

        impl<S: AsRef<str>> std::fmt::Display for $name<S> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0.as_ref())
            }
        }

        impl<S: AsRef<str>> AsRef<str> for $name<S> {
            fn as_ref(&self) -> &str {
                self.0.as_ref()
            }
        }

        /// Allows lookups with a plain `&str` in a map keyed by this type.
        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $name::parse(text).map(|valid| valid.shared())
            }
        }
    };
}
pub(crate) use validated_string;
