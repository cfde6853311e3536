//! How many subscribers this node takes: in all, and from one holder of places, which is an address or an API key.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::Refusal;
use super::holder::Holder;
use crate::limits::{Allowance, ApiKeys, Rate, SharedAllowance};
use crate::{EdgeConfig, EdgeError};

/// Counts the subscribers of all workers.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    max_per_address: usize,
    max_replay_bytes_per_second: u64,
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
}

/// The place of one subscriber; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    holder: Holder,
    replay: SharedAllowance,
}

/// Above this many holders for each place that there is, those without a place are forgotten.
const HOLDERS_PER_PLACE: usize = 2;

impl Admission {
    /// # Errors
    /// [`EdgeError::ApiKeys`].
    pub(crate) fn new(config: &EdgeConfig) -> Result<Self, EdgeError> {
        Ok(Self {
            max: config.http.max_subscribers,
            max_per_address: match config.http.max_subscribers_per_address {
                0 => usize::MAX,
                max => max,
            },
            max_replay_bytes_per_second: config.limits.max_replay_bytes_per_second,
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
            Some(text) => Some(self.keys.find(text).ok_or(Refusal::UnknownKey)?),
            None => None,
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
            let rate = Rate::steady(per_second.unwrap_or(self.max_replay_bytes_per_second));
            Places {
                taken: 0,
                replay: Arc::new(Mutex::new(Allowance::new(rate, now))),
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
        let replay = Arc::clone(&places.replay);
        open.all += 1;
        drop(open);
        Ok(Permit {
            admission: Arc::clone(self),
            holder,
            replay,
        })
    }
}

impl Permit {
    /// What is left for replays.
    pub(crate) fn replay(&self) -> SharedAllowance {
        Arc::clone(&self.replay)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock();
        open.all -= 1;
        if let Some(places) = open.holders.get_mut(&self.holder) {
            places.taken -= 1;
            if places.taken == 0 && places.replay.lock().is_full(Instant::now()) {
                open.holders.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests;
