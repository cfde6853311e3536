//! How many subscribers this node takes: in all, and from one address.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::Refusal;
use crate::config::HttpConfig;

/// Counts the subscribers of all workers.
#[derive(Debug)]
pub(crate) struct Admission {
    max: usize,
    max_per_address: usize,
    open: Mutex<Open>,
}

/// Who is there. Bounded by `max`.
#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// The place of one subscriber; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    /// As it is counted.
    address: Option<IpAddr>,
}

impl Admission {
    pub(crate) fn new(config: &HttpConfig) -> Self {
        Self {
            max: config.max_subscribers,
            max_per_address: match config.max_subscribers_per_address {
                0 => usize::MAX,
                max => max,
            },
            open: Mutex::default(),
        }
    }

    /// A place, if one is free.
    pub(crate) fn admit(self: &Arc<Self>, client: Option<IpAddr>) -> Result<Permit, Refusal> {
        let address = client.map(counted_as);
        let mut open = self.open.lock();
        if open.all >= self.max {
            let max_subscribers = self.max;
            return Err(Refusal::NodeFull { max_subscribers });
        }
        if let Some(address) = address {
            let here = open.by_address.entry(address).or_default();
            if *here >= self.max_per_address {
                let max = self.max_per_address;
                return Err(Refusal::AddressFull { max });
            }
            *here += 1;
        }
        open.all += 1;
        drop(open);
        Ok(Permit {
            admission: Arc::clone(self),
            address,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock();
        open.all -= 1;
        if let Some(address) = self.address
            && let Some(here) = open.by_address.get_mut(&address)
        {
            *here -= 1;
            if *here == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// One customer of a network has a whole /64 of IPv6 addresses.
fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests;
