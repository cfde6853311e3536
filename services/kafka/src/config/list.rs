//! A list of words: in TOML an array, in the environment and in flags a text with commas.

use serde::{Deserialize, Deserializer, Serialize};

/// Words without spaces around them; empty ones are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct List(Vec<String>);

impl List {
    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with commas.
    pub fn joined(&self) -> String {
        self.0.join(",")
    }
}

impl<S: AsRef<str>> FromIterator<S> for List {
    fn from_iter<I: IntoIterator<Item = S>>(words: I) -> Self {
        let words = words.into_iter();
        let mut list = Vec::new();
        for word in words {
            let word = word.as_ref().trim();
            if !word.is_empty() {
                list.push(word.to_owned());
            }
        }
        Self(list)
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let words: Vec<String> = fanjet_config::list(deserializer)?;
        Ok(words.iter().collect())
    }
}
