//! The shipped NATS accounts, with passwords.
//!
//! The users are read from the file, so that a new one needs no second list here.

use std::collections::BTreeSet;

/// The file that operators include in the configuration of their servers.
const SHIPPED: &str = include_str!("../../../deploy/nats/accounts.conf");

/// The shipped accounts as a complete configuration: every password that they name has a value.
pub fn shipped_accounts() -> String {
    let users = users(SHIPPED).into_iter();
    let mut text: String = users
        .map(|user| format!("NATS_{user}_PASSWORD: {}\n", password(user)))
        .collect();
    text.push_str(SHIPPED);
    text
}

/// The password of a user in [`shipped_accounts`].
pub fn password(user: &str) -> String {
    format!("secret-of-{}", user.to_lowercase())
}

/// The users whose passwords a configuration takes from variables, each once.
fn users(text: &str) -> BTreeSet<&str> {
    let names = text.split("$NATS_").skip(1);
    names
        .filter_map(|rest| Some(rest.split_once("_PASSWORD")?.0))
        .filter(|user| user.bytes().all(|b| b.is_ascii_uppercase()))
        .collect()
}

#[cfg(test)]
mod tests;
