//! The owner of connections and limits.

use std::net::{IpAddr, Ipv6Addr};

use super::ApiKey;

/// The owner of connections and limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// The counted address or network.
    Address(IpAddr),
    Key([u8; 32]),
    /// The address is unknown.
    Unknown,
}

impl Holder {
    pub(crate) fn of(client: Option<IpAddr>, key: Option<&ApiKey>) -> Self {
        match (key, client) {
            (Some(key), _) => Self::Key(key.id()),
            (None, Some(address)) => Self::Address(counted_as(address)),
            (None, None) => Self::Unknown,
        }
    }
}

/// An IPv6 customer typically has a whole /64.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}
