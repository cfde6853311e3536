//! What is produced and what is skipped: at-kafka's lists, and this process' share of the accounts. Pure.

use crate::KafkaError;
use crate::config::{KafkaConfig, List};
use crate::event::{Event, What};

/// Why an event is skipped: a closed set, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Skip {
    /// Its collection is not wanted.
    Collection,
    /// Its account's host is not wanted.
    Service,
    /// Another process produces it.
    Shard,
    /// It is a sync event, which at-kafka does not have.
    Sync,
}

impl Skip {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Collection, Self::Service, Self::Shard, Self::Sync];

    /// The metric label.
    pub fn label(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Service => "service",
            Self::Shard => "shard",
            Self::Sync => "sync",
        }
    }
}

/// All filters.
#[derive(Debug, Clone)]
pub struct Wanted {
    collections: Rule,
    services: Rule,
    shard: (u32, u32),
    sync: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    All,
    Only(Vec<String>),
    Not(Vec<String>),
}

impl Wanted {
    /// Builds the filters from the settings.
    ///
    /// # Errors
    /// [`KafkaError::Config`] for a pattern that cannot match anything.
    pub fn new(config: &KafkaConfig) -> Result<Self, KafkaError> {
        let filter = &config.filter;
        let collections = Rule::new(
            (
                "kafka.filter.watched_collections",
                &filter.watched_collections,
            ),
            (
                "kafka.filter.ignored_collections",
                &filter.ignored_collections,
            ),
            |pattern| trimmed_end(trimmed_end(pattern, ".*"), "."),
            "app.bsky.feed.post or app.bsky.*",
        )?;
        let services = Rule::new(
            ("kafka.filter.watched_services", &filter.watched_services),
            ("kafka.filter.ignored_services", &filter.ignored_services),
            |pattern| trimmed_start(trimmed_start(pattern, "*."), "."),
            "pds.example.com or *.bsky.network",
        )?;
        Ok(Self {
            collections,
            services,
            shard: (config.shard.index, config.shard.count),
            sync: config.format.sync,
        })
    }

    /// Whether to skip an event, before anything is known about its account.
    pub fn skip(&self, event: &Event<'_>) -> Option<Skip> {
        let (index, count) = self.shard;
        if count > 1 && shard_of(event.did, count) != index {
            return Some(Skip::Shard);
        }
        match event.what {
            What::Commit(commit) => {
                let is_wanted = self.collections.lets_pass(|listed| {
                    let rest = commit.collection.strip_prefix(listed);
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                });
                (!is_wanted).then_some(Skip::Collection)
            }
            What::Sync(_) if !self.sync => Some(Skip::Sync),
            What::Account(_) | What::Identity(_) | What::Sync(_) => None,
        }
    }

    /// Whether to skip an event because of its account's host. An unknown host passes, as in at-kafka.
    pub fn skip_host(&self, host: Option<&str>) -> Option<Skip> {
        let host = host.filter(|host| !host.is_empty())?;
        let is_wanted = self.services.lets_pass(|listed| {
            let rest = host.strip_suffix(listed);
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        (!is_wanted).then_some(Skip::Service)
    }
}

impl Rule {
    fn new(
        (watched_key, watched): (&'static str, &List),
        (ignored_key, ignored): (&'static str, &List),
        trim: impl Fn(&str) -> &str,
        example: &str,
    ) -> Result<Self, KafkaError> {
        let read = |key, list: &List| {
            let mut names = Vec::new();
            for pattern in list.iter() {
                let name = trim(pattern);
                let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
                if name.is_empty() || !name.bytes().all(is_plain) {
                    let what = format!("{pattern:?} cannot match anything; allowed: {example}");
                    return Err(KafkaError::config(key, what));
                }
                names.push(name.to_owned());
            }
            Ok(names)
        };
        let (watched, ignored) = (read(watched_key, watched)?, read(ignored_key, ignored)?);
        Ok(match (watched.is_empty(), ignored.is_empty()) {
            (false, _) => Self::Only(watched),
            (true, false) => Self::Not(ignored),
            (true, true) => Self::All,
        })
    }

    fn lets_pass(&self, matches: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|name| matches(name)),
            Self::Not(names) => !names.iter().any(|name| matches(name)),
        }
    }
}

fn trimmed_end<'a>(text: &'a str, end: &str) -> &'a str {
    text.strip_suffix(end).unwrap_or(text)
}

fn trimmed_start<'a>(text: &'a str, start: &str) -> &'a str {
    text.strip_prefix(start).unwrap_or(text)
}

/// Which of `count` processes an account belongs to: FNV-1a, which every process of every release must agree on.
fn shard_of(did: &str, count: u32) -> u32 {
    let hash = did.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // Below `count`, so it fits.
    (hash % u64::from(count)) as u32
}

#[cfg(test)]
mod tests;
