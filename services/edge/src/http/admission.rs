//! How many subscribers this node takes: in all, and from one holder of places, which is an address or an API key.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::LimitsConfig;
use crate::limits::{Allowance, ApiKeys, Holder, Rate, Sending, SharedAllowance, unless_zero};
use crate::refusal::Refusal;
use crate::{EdgeConfig, EdgeError};

/// Counts the subscribers of all workers.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    max_per_address: usize,
    limits: LimitsConfig,
    max_message_bytes: usize,
    keys: ApiKeys,
    open: Mutex<Open>,
}

/// Who is there.
#[derive(Debug, Default)]
struct Open {
    all: usize,
    holders: HashMap<Holder, Places>,
}

/// What one holder has. It is kept for a while without a place, so that coming back does not fill the allowance.
#[derive(Debug)]
struct Places {
    taken: usize,
    /// What its subscribers may read of the past, together.
    replay: SharedAllowance,
    sending: Sending,
}

/// The place of one subscriber; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    holder: Holder,
    replay: SharedAllowance,
    sending: Sending,
}

/// Above this many holders for each place that there is, those without a place are forgotten.
const HOLDERS_PER_PLACE: usize = 2;

impl Admission {
    /// # Errors
    /// [`EdgeError::ApiKeys`].
    pub(crate) fn new(config: &EdgeConfig) -> Result<Self, EdgeError> {
        Ok(Self {
            max: config.http.max_subscribers,
            max_per_address: unless_zero(config.http.max_subscribers_per_address),
            limits: config.limits.clone(),
            max_message_bytes: config.subscriber.max_client_message_bytes,
            keys: ApiKeys::load(&config.limits.api_keys)?,
            open: Mutex::default(),
        })
    }

    /// A place, if one is free for a client with this address that has shown this key, if any.
    pub(crate) fn admit(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        key: Option<&str>,
    ) -> Result<Permit, Refusal> {
        let key = match key {
            Some(text) if self.keys.are_known() => {
                Some(self.keys.find(text).ok_or(Refusal::UnknownKey)?)
            }
            // Meant for somebody else then, such as a gateway that hands it on.
            Some(_) | None => None,
        };
        let holder = Holder::of(client, key.as_deref());
        let now = Instant::now();
        let mut open = self.open.lock();
        if open.all >= self.max {
            let max_subscribers = self.max;
            return Err(Refusal::NodeFull { max_subscribers });
        }
        if open.holders.len() >= self.max.saturating_mul(HOLDERS_PER_PLACE) {
            open.holders.retain(|_, places| places.taken > 0);
        }
        let places = open.holders.entry(holder).or_insert_with(|| {
            let per_second = key.as_ref().map(|key| key.max_replay_bytes_per_second);
            let rate = Rate::steady(per_second.unwrap_or(self.limits.max_replay_bytes_per_second));
            Places {
                taken: 0,
                replay: Arc::new(Mutex::new(Allowance::new(rate, now))),
                sending: Sending::of(&self.limits, holder, self.max_message_bytes, now),
            }
        });
        match (&key, holder) {
            (Some(key), _) if places.taken >= key.max_subscribers => {
                let max = key.max_subscribers;
                return Err(Refusal::KeyFull { max });
            }
            (None, Holder::Address(_)) if places.taken >= self.max_per_address => {
                let max = self.max_per_address;
                return Err(Refusal::AddressFull { max });
            }
            _ => places.taken += 1,
        }
        let (replay, sending) = (Arc::clone(&places.replay), places.sending.clone());
        open.all += 1;
        drop(open);
        Ok(Permit {
            admission: Arc::clone(self),
            holder,
            replay,
            sending,
        })
    }
}

impl Permit {
    /// Whom the place is counted for.
    pub(crate) fn holder(&self) -> Holder {
        self.holder
    }

    /// What is left for replays.
    pub(crate) fn replay(&self) -> SharedAllowance {
        Arc::clone(&self.replay)
    }

    /// What is left for what the client sends.
    pub(crate) fn sending(&self) -> Sending {
        self.sending.clone()
    }
}

impl Places {
    /// Whether nothing is lost when they are forgotten.
    fn are_as_new(&self, now: Instant) -> bool {
        self.taken == 0 && self.replay.lock().is_full(now) && self.sending.is_full(now)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock();
        open.all -= 1;
        if let Some(places) = open.holders.get_mut(&self.holder) {
            places.taken -= 1;
            if places.are_as_new(Instant::now()) {
                open.holders.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests;
