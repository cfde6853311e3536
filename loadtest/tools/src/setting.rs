//! The environment of a test run.

/// A variable of the environment, if it is set to something.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place where the environment of a test run is read"
)]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
