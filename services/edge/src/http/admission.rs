//! Limits the number of subscribers: in total, and per holder, which is an address or an API key.

use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::descriptors::Descriptors;
use crate::config::LimitsConfig;
use crate::limits::{
    Allowance, ApiKeys, Holder, Rate, SendAllowance, SharedAllowance, unless_zero,
};
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
    open: Mutex<OpenSlots>,
}

/// The open slots.
#[derive(Debug, Default)]
struct OpenSlots {
    all: usize,
    holders: HashMap<Holder, HolderSlots>,
}

/// The slots of one holder. Kept for a while after the last one is freed, so that reconnecting does not refill the allowances.
#[derive(Debug)]
struct HolderSlots {
    taken: usize,
    /// The replay allowance that its subscribers share.
    replay: SharedAllowance,
    sending: SendAllowance,
}

/// The slot of one subscriber; dropping it frees the slot.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    admission: Arc<Admission>,
    holder: Holder,
    replay: SharedAllowance,
    sending: SendAllowance,
}

/// Above this many holders per available slot, holders without a slot are forgotten.
const HOLDERS_PER_SLOT: usize = 2;

impl Admission {
    /// # Errors
    /// [`EdgeError::ApiKeys`].
    pub(crate) fn new(config: &EdgeConfig, descriptors: Descriptors) -> Result<Self, EdgeError> {
        Ok(Self {
            max: descriptors.max_subscribers(config.http.max_subscribers),
            max_per_address: unless_zero(config.http.max_subscribers_per_address),
            limits: config.limits.clone(),
            max_message_bytes: config.subscriber.max_client_message_bytes,
            keys: ApiKeys::load(&config.limits.api_keys)?,
            open: Mutex::default(),
        })
    }

    /// Takes a slot for a client with this address and API key.
    pub(crate) fn admit(
        self: &Arc<Self>,
        client: Option<IpAddr>,
        key: Option<&str>,
    ) -> Result<ConnectionSlot, Refusal> {
        let key = match key {
            Some(text) if self.keys.are_known() => {
                Some(self.keys.find(text).ok_or(Refusal::UnknownKey)?)
            }
            // The token belongs to another service then, such as a gateway that passes it on.
            Some(_) | None => None,
        };
        let holder = Holder::of(client, key.as_deref());
        let now = Instant::now();
        let mut open = self.open.lock();
        if open.all >= self.max {
            let max_subscribers = self.max;
            return Err(Refusal::NodeFull { max_subscribers });
        }
        if open.holders.len() >= self.max.saturating_mul(HOLDERS_PER_SLOT) {
            open.holders.retain(|_, slots| slots.taken > 0);
        }
        let slots = open.holders.entry(holder).or_insert_with(|| {
            let per_second = key.as_ref().map(|key| key.max_replay_bytes_per_second);
            let rate = Rate::steady(per_second.unwrap_or(self.limits.max_replay_bytes_per_second));
            HolderSlots {
                taken: 0,
                replay: Arc::new(Mutex::new(Allowance::new(rate, now))),
                sending: SendAllowance::of(&self.limits, holder, self.max_message_bytes, now),
            }
        });
        match (&key, holder) {
            (Some(key), _) if slots.taken >= key.max_subscribers => {
                let max = key.max_subscribers;
                return Err(Refusal::KeyFull { max });
            }
            (None, Holder::Address(_)) if slots.taken >= self.max_per_address => {
                let max = self.max_per_address;
                return Err(Refusal::AddressFull { max });
            }
            _ => slots.taken += 1,
        }
        let (replay, sending) = (Arc::clone(&slots.replay), slots.sending.clone());
        open.all += 1;
        drop(open);
        Ok(ConnectionSlot {
            admission: Arc::clone(self),
            holder,
            replay,
            sending,
        })
    }
}

impl ConnectionSlot {
    /// The holder that the slot counts for.
    pub(crate) fn holder(&self) -> Holder {
        self.holder
    }

    /// The remaining replay allowance.
    pub(crate) fn replay(&self) -> SharedAllowance {
        Arc::clone(&self.replay)
    }

    /// The remaining allowance for client messages.
    pub(crate) fn sending(&self) -> SendAllowance {
        self.sending.clone()
    }
}

impl HolderSlots {
    /// Whether forgetting them loses nothing.
    fn are_idle(&self, now: Instant) -> bool {
        self.taken == 0 && self.replay.lock().is_full(now) && self.sending.is_full(now)
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock();
        open.all -= 1;
        if let Some(slots) = open.holders.get_mut(&self.holder) {
            slots.taken -= 1;
            if slots.are_idle(Instant::now()) {
                open.holders.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests;
