//! What is known about accounts: `eventMetadata`.
//!
//! Events never wait longer than the deadline, whatever the directory does: what is unknown by then is omitted, and the
//! lookup continues for the account's next event. Each account is looked up once at a time; the result is cached, and
//! so is its absence.

mod subject;
mod document;
mod handle;
mod http;
mod metadata;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use fanjet_identity::{Answered, Budget, Looking, Rate, Who};
use fanjet_log::{Entry, LogError};
use fanjet_runtime::{OnFailure, Stop, Tasks};
use futures::future::{BoxFuture, join_all};
use tokio::time::{Instant, timeout_at};

use crate::KafkaError;
use crate::config::{EnrichConfig, PLC_DIRECTORY, base_url};
use crate::event::{Event, What};
use crate::filter::Wanted;
use crate::look_up::LookUp;
use crate::metrics::Metrics;
use document::Identity;
use handle::Owner;
use http::Http;
pub(crate) use metadata::Known;
use metadata::{Found, Handle};
use subject::{LookupValue, Lookups, Subject, Waiting, ask};

/// Commits in this collection change the profile.
const PROFILE: &str = "app.bsky.actor.profile";

/// Looks up accounts.
pub(crate) struct Enricher {
    identities: Lookups<Identity>,
    web: Option<Lookups<Identity>>,
    audits: Lookups<String>,
    profiles: Option<Lookups<String>>,
    handles: Lookups<Owner>,
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
        let budget = |rate, burst| Arc::new(Budget::new(Rate::per_second(rate, burst)));
        let usual = || budget(config.lookups_per_second, config.burst);
        let directory = usual();
        let strangers = budget(did_web.lookups_per_second, did_web.lookups_per_second);
        let subject = |kind| Subject::new(kind, config, metrics);
        Ok(Self {
            identities: subject(LookUp::Identity).lookups(Arc::clone(&directory)),
            audits: subject(LookUp::Audit).lookups(directory),
            web: (did_web.enabled).then(|| subject(LookUp::Web).lookups(strangers)),
            profiles: has_profiles.then(|| subject(LookUp::Profile).lookups(usual())),
            handles: subject(LookUp::Handle).lookups(usual()),
            http: Arc::new(http),
            deadline: config.deadline,
            web_deadline: config.deadline.min(did_web.deadline),
        })
    }

    /// Runs the lookups until stopped.
    pub(crate) fn spawn(self: &Arc<Self>, tasks: &mut Tasks, stop: &Stop) {
        let audit: Look<String> = |http, did| {
            Box::pin(async move {
                let text = http.audit(&did).await?;
                Ok(text.and_then(|text| document::created_at(&text)))
            })
        };
        let profile: Look<String> = |http, did| {
            Box::pin(async move {
                let text = http.profile(&did).await?;
                Ok(text.and_then(|text| document::profile(&text)))
            })
        };
        let owner: Look<Owner> = |http, handle| Box::pin(async move { http.owner(&handle).await });
        let named: [(&'static str, BoxFuture<'static, ()>); 5] = [
            (
                "identities",
                self.looking(|this| Some(&this.identities), identity),
            ),
            (
                "strangers' identities",
                self.looking(|this| this.web.as_ref(), identity),
            ),
            ("audit logs", self.looking(|this| Some(&this.audits), audit)),
            (
                "profiles",
                self.looking(|this| this.profiles.as_ref(), profile),
            ),
            ("handles", self.looking(|this| Some(&this.handles), owner)),
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

    /// Runs the lookups of one kind forever, if it is enabled.
    fn looking<T: LookupValue + 'static>(
        self: &Arc<Self>,
        lookups: fn(&Self) -> Option<&Lookups<T>>,
        look: Look<T>,
    ) -> BoxFuture<'static, ()> {
        let this = Arc::clone(self);
        Box::pin(async move {
            if let Some(lookups) = lookups(&this) {
                lookups.run(|key| look(Arc::clone(&this.http), key)).await;
            }
        })
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
        // A result too late for these events is in time for the next ones.
        let _late = tokio::join!(
            waited(begun + self.deadline, look_ups),
            waited(begun + self.web_deadline, strangers)
        );
        // Documents name the handles to look up. Their hosts are untrusted, too.
        let handles = accounts.iter().filter_map(|did| self.ask_handle(did));
        let patience = (begun + self.deadline).min(Instant::now() + self.web_deadline);
        let _late = waited(patience, handles.collect()).await;
        Ok(())
    }

    /// An event about an account may outdate what is cached.
    fn doubt(&self, event: &Event<'_>) {
        match event.what {
            What::Identity(_) => {
                if let Some(handle) = self.claimed(event.did) {
                    self.handles.doubt(&handle);
                }
                if let Some(lookups) = self.documents(event.did) {
                    lookups.doubt(event.did);
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

    /// The source of documents for such accounts.
    fn documents(&self, did: &str) -> Option<&Lookups<Identity>> {
        match Who::knows(did) {
            Who::Plc => Some(&self.identities),
            Who::Web => self.web.as_ref(),
            Who::Unsupported => None,
        }
    }

    /// A lookup at an untrusted host, which gets a shorter deadline.
    fn ask_stranger(&self, did: &str) -> Option<Waiting> {
        let is_stranger = Who::knows(did) == Who::Web;
        ask(self.web.as_ref().filter(|_| is_stranger)?, did)
    }

    /// The lookups to wait for.
    fn ask(&self, did: &str) -> Vec<Waiting> {
        let (identity, audit) = match Who::knows(did) {
            Who::Plc => (ask(&self.identities, did), ask(&self.audits, did)),
            Who::Web => (None, None),
            // Such DIDs cannot be resolved, and a result about them says nothing about the directory or the API.
            Who::Unsupported => return Vec::new(),
        };
        let profile = self.profiles.as_ref().and_then(|lookups| ask(lookups, did));
        [identity, audit, profile].into_iter().flatten().collect()
    }

    /// The account that the claimed handle names.
    fn ask_handle(&self, did: &str) -> Option<Waiting> {
        ask(&self.handles, &self.claimed(did)?)
    }

    /// The handle that the account claims.
    fn claimed(&self, did: &str) -> Option<String> {
        let identity = self.documents(did)?.remembered(did).answer;
        identity.found()?.handle.clone()
    }

    /// What is known about an account now.
    pub(crate) fn known(&self, did: &str, now_us: u64) -> Known {
        let remembered = self.documents(did).map(|lookups| lookups.remembered(did));
        let is_stale = remembered.as_ref().is_some_and(|known| known.is_stale);
        let identity = remembered.as_ref().and_then(|known| known.answer.found());
        let claimed = identity.and_then(|identity| identity.handle.as_deref());
        let owner = claimed.map(|handle| self.handles.remembered(handle).answer);
        let handle = match (claimed, &owner) {
            (None, _) | (_, None) => Handle::Invalid,
            (Some(handle), Some(Answered::Found(owner))) if owner.0 == did => {
                Handle::Verified(handle)
            }
            (_, Some(Answered::Unknown)) => Handle::Unverified,
            (_, Some(Answered::Found(_) | Answered::Nothing)) => Handle::Invalid,
        };
        let created_at = self.audits.remembered(did).answer;
        let profile = self
            .profiles
            .as_ref()
            .map(|lookups| lookups.remembered(did).answer);
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

/// A lookup.
type Look<T> = fn(Arc<Http>, Box<str>) -> Looking<T>;

fn identity(http: Arc<Http>, did: Box<str>) -> Looking<Identity> {
    Box::pin(async move {
        let text = http.document(&did).await?;
        Ok(text.and_then(|text| Identity::parse(&did, &text)))
    })
}

async fn waited(until: Instant, look_ups: Vec<Waiting>) -> bool {
    if look_ups.is_empty() {
        return true;
    }
    timeout_at(until, join_all(look_ups)).await.is_ok()
}

#[cfg(test)]
mod tests;
