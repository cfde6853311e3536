//! The environment of a test run.

/// A non-empty environment variable.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the environment of a test run is read"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
