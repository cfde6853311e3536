//! What is known about accounts: `eventMetadata`.
//!
//! Events never wait for longer than the deadline, whatever the directory does: what is not known then is left out, and
//! the look-up goes on for the next event of the account. Each account is looked up once at a time, its answer is
//! remembered, and so is that there was none.

mod budget;
mod cache;
mod desk;
mod document;
mod http;
mod metadata;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{Clock, OnFailure, Stop, Tasks};
use fanjet_log::{Entry, LogError};
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use url::Url;

use crate::KafkaError;
use crate::config::{EnrichConfig, PLC_DIRECTORY};
use crate::event::{Event, What};
use crate::filter::Wanted;
use crate::metrics::Metrics;
use budget::Budget;
pub(crate) use desk::Kind;
use desk::{Desk, Looking};
use document::Identity;
use http::Http;
pub(crate) use http::base_url;
pub(crate) use metadata::{Known, UNKNOWN};

/// Commits here change what a profile says.
const PROFILE: &str = "app.bsky.actor.profile";

/// Events with what is known about their accounts.
pub(crate) struct Prepared {
    pub(crate) entries: Vec<Entry>,
    /// By DID. `None`: nothing is looked up at all.
    pub(crate) known: Option<HashMap<Box<str>, Arc<Known>>>,
}

impl Prepared {
    pub(crate) fn plain(entries: Vec<Entry>) -> Self {
        Self {
            entries,
            known: None,
        }
    }
}

/// Looks accounts up.
pub(crate) struct Enricher {
    identities: Desk<Identity>,
    web: Option<Desk<Identity>>,
    audits: Desk<String>,
    profiles: Option<Desk<String>>,
    http: Arc<Http>,
    clock: Arc<dyn Clock>,
    deadline: Duration,
    web_deadline: Duration,
}

impl Enricher {
    pub(crate) fn new(
        config: &EnrichConfig,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Self, KafkaError> {
        let plc = match config.plc_host.as_str() {
            "" => PLC_DIRECTORY,
            host => host,
        };
        let plc = base_url("kafka.enrich.plc_host", plc)?;
        let has_profiles = !config.api_host.is_empty();
        let api = has_profiles.then(|| base_url("kafka.enrich.api_host", &config.api_host));
        let did_web = &config.did_web;
        let timeout = config.lookup_timeout;
        let http = Http::new(plc, api.transpose()?, timeout, did_web.reach())?;
        let budget = |rate, burst| Arc::new(Mutex::new(Budget::new(rate, burst)));
        let usual = || budget(config.lookups_per_second, config.burst);
        let directory = usual();
        let strangers = budget(did_web.lookups_per_second, did_web.lookups_per_second);
        let desk = |kind, budget| {
            (
                kind,
                config.clone(),
                Arc::clone(&clock),
                metrics.clone(),
                budget,
            )
        };
        Ok(Self {
            identities: Desk::new(desk(Kind::Identity, Arc::clone(&directory))),
            audits: Desk::new(desk(Kind::Audit, directory)),
            web: (did_web.enabled).then(|| Desk::new(desk(Kind::Web, strangers))),
            profiles: has_profiles.then(|| Desk::new(desk(Kind::Profile, usual()))),
            http: Arc::new(http),
            deadline: config.deadline,
            web_deadline: config.deadline.min(did_web.deadline),
            clock,
        })
    }

    /// Makes the look-ups, until stopped.
    pub(crate) fn spawn(self: &Arc<Self>, tasks: &mut Tasks, stop: &Stop) {
        let (this, http) = (Arc::clone(self), Arc::clone(&self.http));
        let identities = async move {
            let look = move |did: Box<str>| -> Looking<Identity> {
                let http = Arc::clone(&http);
                Box::pin(async move {
                    let text = http.document(&did).await?;
                    Ok(text.and_then(|text| Identity::parse(&did, &text)))
                })
            };
            this.identities.run(look).await;
        };
        let (this, http) = (Arc::clone(self), Arc::clone(&self.http));
        let web = async move {
            let look = move |did: Box<str>| -> Looking<Identity> {
                let http = Arc::clone(&http);
                Box::pin(async move {
                    let text = http.strangers_document(&did).await?;
                    Ok(text.and_then(|text| Identity::parse(&did, &text)))
                })
            };
            if let Some(web) = &this.web {
                web.run(look).await;
            }
        };
        let (this, http) = (Arc::clone(self), Arc::clone(&self.http));
        let audits = async move {
            let look = move |did: Box<str>| -> Looking<String> {
                let http = Arc::clone(&http);
                Box::pin(async move {
                    let text = http.audit(&did).await?;
                    Ok(text.and_then(|text| document::created_at(&text)))
                })
            };
            this.audits.run(look).await;
        };
        let (this, http) = (Arc::clone(self), Arc::clone(&self.http));
        let profiles = async move {
            let look = move |did: Box<str>| -> Looking<String> {
                let http = Arc::clone(&http);
                Box::pin(async move {
                    let text = http.profile(&did).await?;
                    Ok(text.and_then(|text| document::profile(&text)))
                })
            };
            if let Some(profiles) = &this.profiles {
                profiles.run(look).await;
            }
        };
        let named: [(&'static str, BoxFuture<'static, ()>); 4] = [
            ("identities", Box::pin(identities)),
            ("strangers' identities", Box::pin(web)),
            ("audit logs", Box::pin(audits)),
            ("profiles", Box::pin(profiles)),
        ];
        for (name, looking) in named {
            let stop = stop.clone();
            tasks.spawn(name, OnFailure::StopAll, async move {
                tokio::select! {
                    () = looking => {}
                    () = stop.cancelled() => {}
                }
                Ok::<_, KafkaError>(())
            });
        }
    }

    /// Waits for what can be known about the accounts of some events, at most until the deadline.
    pub(crate) async fn prepare(
        &self,
        entries: Vec<Entry>,
        wanted: &Wanted,
    ) -> Result<Prepared, LogError> {
        let mut accounts: HashSet<Box<str>> = HashSet::new();
        for entry in &entries {
            let event = Event::of(entry)?;
            if wanted.skip(&event).is_some() {
                continue;
            }
            self.doubt(&event);
            if !accounts.contains(event.did) {
                accounts.insert(event.did.into());
            }
        }
        let look_ups: Vec<_> = accounts.iter().flat_map(|did| self.ask(did)).collect();
        let strangers = accounts.iter().filter_map(|did| self.ask_stranger(did));
        let strangers: Vec<_> = strangers.collect();
        // Whoever comes too late for these events comes in time for the next.
        let _late = tokio::join!(
            waited(self.deadline, look_ups),
            waited(self.web_deadline, strangers)
        );
        let now_us = self.clock.now_us();
        let known = accounts
            .into_iter()
            .map(|did| {
                let known = self.known(&did, now_us);
                (did, Arc::new(known))
            })
            .collect();
        Ok(Prepared {
            entries,
            known: Some(known),
        })
    }

    /// What an event says about its account may make what is remembered wrong.
    fn doubt(&self, event: &Event<'_>) {
        match event.what {
            What::Identity(_) => {
                if let Some(desk) = self.documents(event.did) {
                    desk.forget(event.did);
                }
            }
            What::Commit(commit) if commit.collection == PROFILE => {
                if let Some(profiles) = &self.profiles {
                    profiles.forget(event.did);
                }
            }
            _ => {}
        }
    }

    /// Who has the documents of such accounts.
    fn documents(&self, did: &str) -> Option<&Desk<Identity>> {
        match did.starts_with("did:plc:") {
            true => Some(&self.identities),
            false => self.web.as_ref().filter(|_| did.starts_with("did:web:")),
        }
    }

    /// A look-up at a host that nobody vouches for, so that it is waited for less long.
    fn ask_stranger(&self, did: &str) -> Option<desk::LookUp> {
        let is_stranger = did.starts_with("did:web:");
        self.web.as_ref().filter(|_| is_stranger)?.ask(did)
    }

    /// The look-ups to wait for.
    fn ask(&self, did: &str) -> Vec<desk::LookUp> {
        // Others have no directory.
        let directory = did.starts_with("did:plc:");
        let (identity, audit) = match directory {
            true => (self.identities.ask(did), self.audits.ask(did)),
            false => (None, None),
        };
        let profile = self.profiles.as_ref().and_then(|desk| desk.ask(did));
        [identity, audit, profile].into_iter().flatten().collect()
    }

    fn known(&self, did: &str, now_us: u64) -> Known {
        let documents = self.documents(did);
        let identity = documents.and_then(|desk| desk.remembered(did));
        let created_at = self.audits.remembered(did);
        let profile = self.profiles.as_ref().and_then(|desk| desk.remembered(did));
        Known::of(
            identity.as_deref(),
            created_at.as_deref().map(String::as_str),
            profile.as_deref().map(String::as_str),
            now_us,
        )
    }
}

async fn waited(most: Duration, look_ups: Vec<desk::LookUp>) -> bool {
    if look_ups.is_empty() {
        return true;
    }
    tokio::time::timeout(most, join_all(look_ups)).await.is_ok()
}

/// Whether a text is a URL that a look-up can be made below.
pub(crate) fn is_base(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
}

#[cfg(test)]
mod tests;
