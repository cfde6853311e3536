//! The shipped NATS accounts, with passwords.
//!
//! The users are read from the file, so that a new one needs no second list here.

use std::collections::BTreeSet;

/// The file that operators include in the configuration of their servers.
const SHIPPED: &str = include_str!("../../../deploy/nats/accounts.conf");

/// The shipped accounts as a complete configuration: every password that they name has a value.
pub fn shipped_accounts() -> String {
    let mut text: String = variables(SHIPPED)
        .into_iter()
        .filter_map(|name| {
            let user = name.strip_prefix("NATS_")?.strip_suffix("_PASSWORD")?;
            Some(format!("{name}: {}\n", password(user)))
        })
        .collect();
    text.push_str(SHIPPED);
    text
}

/// The password of a user in [`shipped_accounts`].
pub fn password(user: &str) -> String {
    format!("secret-of-{}", user.to_lowercase())
}

/// The variables that a configuration uses, each once.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split('$')
        .skip(1)
        .map(|rest| rest.split(|c| !is_part(c)).next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests;
