//! System limits: open files, and local addresses.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::SwarmError;

/// Connections from one address to one port: the system has about 28,000 ports for them.
const PORTS: u64 = 15_000;

/// Raises the limit on open files.
///
/// # Errors
/// [`SwarmError::OpenFiles`] when the hard limit is lower.
pub(crate) fn open_files(needed: u64) -> Result<(), SwarmError> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    if let Some(allowed) = limit.maximum.filter(|maximum| *maximum < needed) {
        return Err(SwarmError::OpenFiles { needed, allowed });
    }
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised)
        .map_err(|error| SwarmError::Io("cannot raise the limit of open files", error.into()))
}

/// Local addresses to bind to; empty: the system chooses. Only the loopback has more than one.
pub(crate) fn sources(target: SocketAddr, wanted: u64, ports: u64) -> Vec<IpAddr> {
    let needed = match wanted {
        0 => ports / PORTS + 1,
        wanted => wanted,
    };
    let IpAddr::V4(address) = target.ip() else {
        return Vec::new();
    };
    if !address.is_loopback() || needed == 1 {
        return Vec::new();
    }
    // 127.0.0.1 itself is left to other programs.
    let base = u32::from(Ipv4Addr::new(127, 0, 1, 0));
    let offsets = (1..=needed).filter_map(|it| u32::try_from(it).ok());
    offsets
        .map(|offset| IpAddr::V4(Ipv4Addr::from(base + offset)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_connections_come_from_many_addresses_of_the_loopback() {
        let here = "127.0.0.1:6008".parse().unwrap();
        assert_eq!(sources(here, 0, 10_000), Vec::<IpAddr>::new());
        let many = sources(here, 0, 120_000);
        assert_eq!(many.len(), 9);
        assert_eq!(many[0].to_string(), "127.0.1.1");
        assert_eq!(sources(here, 600, 1)[299].to_string(), "127.0.2.44");
        let far = "192.0.2.1:6008".parse().unwrap();
        assert_eq!(sources(far, 0, 120_000), Vec::<IpAddr>::new());
    }

    #[test]
    fn the_limit_of_open_files_is_named() {
        open_files(100).unwrap();
        let Err(error) = open_files(u64::MAX - 1) else {
            // A system without a hard limit.
            return;
        };
        assert!(error.to_string().contains("ulimit -Hn"), "{error}");
    }
}
