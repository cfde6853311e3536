//! What actions are called.

use std::borrow::Cow;

use crate::config::ActionNames;
use crate::event::{Event, What};

/// The action's name. Nothing in it needs an escape.
pub fn action_name(event: &Event<'_>, names: ActionNames) -> Cow<'static, str> {
    match (&event.what, names) {
        (What::Account(_), _) => Cow::Borrowed("account"),
        (What::Identity(_), _) => Cow::Borrowed("identity"),
        (What::Sync(_), _) => Cow::Borrowed("sync"),
        (What::Commit(commit), ActionNames::AtKafka) => match commit.operation {
            "create" => Cow::Borrowed("operation#create"),
            "update" => Cow::Borrowed("operation#update"),
            _ => Cow::Borrowed("operation#delete"),
        },
        (What::Commit(commit), ActionNames::Jetstream) => {
            let (_, name) = commit
                .collection
                .rsplit_once('.')
                .unwrap_or(("", commit.collection));
            Cow::Owned(format!("{}_{name}", commit.operation))
        }
    }
}
