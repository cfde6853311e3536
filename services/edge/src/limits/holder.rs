//! Whom places and connections are counted for.

use std::net::{IpAddr, Ipv6Addr};

use super::ApiKey;

/// Whom places are counted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// As it is counted.
    Address(IpAddr),
    Key([u8; 32]),
    /// Whose address is not known.
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

/// One customer of a network has a whole /64 of IPv6 addresses.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}
