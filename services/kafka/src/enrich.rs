//! What is known about accounts: `eventMetadata`.
//!
//! Events never wait for longer than the deadline, whatever the directory does: what is not known then is left out, and
//! the look-up goes on for the next event of the account. Each account is looked up once at a time, its answer is
//! remembered, and so is that there was none.

mod again;
mod budget;
mod cache;
mod desk;
mod document;
mod fair;
mod handle;
mod http;
mod metadata;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanjet_actors::{OnFailure, Stop, Tasks};
use fanjet_log::{Entry, LogError};
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::KafkaError;
use crate::config::{EnrichConfig, PLC_DIRECTORY};
use crate::event::{Event, What};
use crate::filter::Wanted;
use crate::metrics::Metrics;
use budget::Budget;
pub(crate) use desk::Kind;
use desk::{Answered, Desk, Looking};
use document::Identity;
use handle::Owner;
use http::Http;
pub(crate) use http::base_url;
pub(crate) use metadata::Known;
use metadata::{Found, Handle};

/// Commits here change what a profile says.
const PROFILE: &str = "app.bsky.actor.profile";

/// Looks accounts up.
pub(crate) struct Enricher {
    identities: Desk<Identity>,
    web: Option<Desk<Identity>>,
    audits: Desk<String>,
    profiles: Option<Desk<String>>,
    handles: Desk<Owner>,
    http: Arc<Http>,
    deadline: Duration,
    web_deadline: Duration,
}

impl Enricher {
    pub(crate) fn new(config: &EnrichConfig, metrics: &Metrics) -> Result<Self, KafkaError> {
        let plc = match config.plc_host.as_str() {
            "" => PLC_DIRECTORY,
            host => host,
        };
        let plc = base_url("kafka.enrich.plc_host", plc)?;
        let has_profiles = !config.api_host.is_empty();
        let api = has_profiles.then(|| base_url("kafka.enrich.api_host", &config.api_host));
        let did_web = &config.did_web;
        let timeout = config.lookup_timeout;
        let http = Http::new(
            plc,
            api.transpose()?,
            timeout,
            (did_web.reach(), config.resolver()?),
        )?;
        let budget = |rate, burst| Arc::new(Mutex::new(Budget::new(rate, burst)));
        let usual = || budget(config.lookups_per_second, config.burst);
        let directory = usual();
        let strangers = budget(did_web.lookups_per_second, did_web.lookups_per_second);
        let desk = |kind, budget| (kind, config.clone(), metrics.clone(), budget);
        Ok(Self {
            identities: Desk::new(desk(Kind::Identity, Arc::clone(&directory))),
            audits: Desk::new(desk(Kind::Audit, directory)),
            web: (did_web.enabled).then(|| Desk::new(desk(Kind::Web, strangers))),
            profiles: has_profiles.then(|| Desk::new(desk(Kind::Profile, usual()))),
            handles: Desk::new(desk(Kind::Handle, usual())),
            http: Arc::new(http),
            deadline: config.deadline,
            web_deadline: config.deadline.min(did_web.deadline),
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
        let (this, http) = (Arc::clone(self), Arc::clone(&self.http));
        let handles = async move {
            let look = move |handle: Box<str>| -> Looking<Owner> {
                let http = Arc::clone(&http);
                Box::pin(async move { http.owner(&handle).await })
            };
            this.handles.run(look).await;
        };
        let named: [(&'static str, BoxFuture<'static, ()>); 5] = [
            ("identities", Box::pin(identities)),
            ("strangers' identities", Box::pin(web)),
            ("audit logs", Box::pin(audits)),
            ("profiles", Box::pin(profiles)),
            ("handles", Box::pin(handles)),
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
    pub(crate) async fn wait_for(
        &self,
        entries: &[Entry],
        wanted: &Wanted,
    ) -> Result<(), LogError> {
        let mut accounts: HashSet<&str> = HashSet::new();
        for entry in entries {
            let event = Event::of(entry)?;
            if wanted.skip(&event).is_some() {
                continue;
            }
            self.doubt(&event);
            accounts.insert(event.did);
        }
        let begun = Instant::now();
        let look_ups = accounts.iter().flat_map(|did| self.ask(did)).collect();
        let strangers = accounts.iter().filter_map(|did| self.ask_stranger(did));
        let strangers = strangers.collect();
        // Whoever comes too late for these events comes in time for the next.
        let _late = tokio::join!(
            waited(begun + self.deadline, look_ups),
            waited(begun + self.web_deadline, strangers)
        );
        // Documents say which handles there are to ask for. Their hosts are strangers', too.
        let handles = accounts.iter().filter_map(|did| self.ask_handle(did));
        let patience = (begun + self.deadline).min(Instant::now() + self.web_deadline);
        let _late = waited(patience, handles.collect()).await;
        Ok(())
    }

    /// What an event says about its account may make what is remembered wrong.
    fn doubt(&self, event: &Event<'_>) {
        match event.what {
            What::Identity(_) => {
                if let Some(handle) = self.claimed(event.did) {
                    self.handles.doubt(&handle);
                }
                if let Some(desk) = self.documents(event.did) {
                    desk.doubt(event.did);
                }
            }
            What::Commit(commit) if commit.collection == PROFILE => {
                if let Some(profiles) = &self.profiles {
                    profiles.doubt(event.did);
                }
            }
            _ => {}
        }
    }

    /// Who has the documents of such accounts.
    fn documents(&self, did: &str) -> Option<&Desk<Identity>> {
        match Method::of(did) {
            Method::Plc => Some(&self.identities),
            Method::Web => self.web.as_ref(),
            Method::Unknown => None,
        }
    }

    /// A look-up at a host that nobody vouches for, so that it is waited for less long.
    fn ask_stranger(&self, did: &str) -> Option<desk::LookUp> {
        let is_stranger = Method::of(did) == Method::Web;
        self.web.as_ref().filter(|_| is_stranger)?.ask(did)
    }

    /// The look-ups to wait for.
    fn ask(&self, did: &str) -> Vec<desk::LookUp> {
        let (identity, audit) = match Method::of(did) {
            Method::Plc => (self.identities.ask(did), self.audits.ask(did)),
            Method::Web => (None, None),
            // Nobody knows them, and nobody's answer about them says anything of the directory or the API.
            Method::Unknown => return Vec::new(),
        };
        let profile = self.profiles.as_ref().and_then(|desk| desk.ask(did));
        [identity, audit, profile].into_iter().flatten().collect()
    }

    /// Whose the handle is that the account claims.
    fn ask_handle(&self, did: &str) -> Option<desk::LookUp> {
        self.handles.ask(&self.claimed(did)?)
    }

    /// The handle that the account claims.
    fn claimed(&self, did: &str) -> Option<String> {
        let (identity, _) = self.documents(did)?.remembered(did);
        identity.found()?.handle.clone()
    }

    /// What is known about an account now.
    pub(crate) fn known(&self, did: &str, now_us: u64) -> Known {
        let documents = self.documents(did);
        let (identity, is_stale) =
            documents.map_or((Answered::Unknown, false), |desk| desk.remembered(did));
        let identity = identity.found();
        let claimed = identity.and_then(|identity| identity.handle.as_deref());
        let owner = claimed.map(|handle| self.handles.remembered(handle).0);
        let handle = match (claimed, &owner) {
            (None, _) | (_, None) => Handle::Invalid,
            (Some(handle), Some(Answered::Found(owner))) if owner.0 == did => {
                Handle::Verified(handle)
            }
            (_, Some(Answered::Unknown)) => Handle::Unverified,
            (_, Some(Answered::Found(_) | Answered::Nothing)) => Handle::Invalid,
        };
        let (created_at, _) = self.audits.remembered(did);
        let profile = self.profiles.as_ref().map(|desk| desk.remembered(did).0);
        let found = Found {
            identity,
            handle,
            created_at: created_at.found().map(String::as_str),
            profile: profile
                .as_ref()
                .and_then(Answered::found)
                .map(String::as_str),
            is_stale,
        };
        Known::of(found, now_us)
    }
}

/// Who knows about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// The directory.
    Plc,
    /// The host that it names.
    Web,
    /// Nobody.
    Unknown,
}

impl Method {
    fn of(did: &str) -> Self {
        if did.starts_with("did:plc:") {
            Self::Plc
        } else if did.starts_with("did:web:") {
            Self::Web
        } else {
            Self::Unknown
        }
    }
}

async fn waited(until: Instant, look_ups: Vec<desk::LookUp>) -> bool {
    if look_ups.is_empty() {
        return true;
    }
    timeout_at(until, join_all(look_ups)).await.is_ok()
}

/// Whether a text is a URL that a look-up can be made below.
pub(crate) fn is_base(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
}

#[cfg(test)]
mod tests;
