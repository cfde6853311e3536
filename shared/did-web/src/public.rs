//! Clients that reach public addresses only. The address counts and not the name: whoever owns a name says what it means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::Url;

use crate::url::may_ask;
use crate::{Reach, Resolver};

/// A client that goes nowhere but where it is sent: no redirects, no proxies; to strangers by HTTPS and at public
/// addresses only, which this machine's name servers are asked for without holding up a thread.
pub fn within(reach: Reach, builder: ClientBuilder) -> ClientBuilder {
    match reach {
        Reach::Public => within_by(reach, Resolver::system(), builder),
        Reach::Private => plain(builder),
    }
}

/// As [`within`], with a resolver of one's own, whatever the reach is.
pub fn within_by(reach: Reach, resolver: Resolver, builder: ClientBuilder) -> ClientBuilder {
    plain(builder)
        .https_only(reach == Reach::Public)
        .dns_resolver(Arc::new(Guarded { resolver, reach }))
}

fn plain(builder: ClientBuilder) -> ClientBuilder {
    builder.redirect(Policy::none()).no_proxy()
}

/// Redirects to hosts that may be asked themselves, so many at most. What leads elsewhere is the answer itself.
pub fn redirects(reach: Reach, most: usize) -> Policy {
    Policy::custom(move |attempt| {
        let is_too_far = attempt.previous().len() > most;
        if is_too_far || !may_follow(attempt.url(), reach) {
            return attempt.stop();
        }
        attempt.follow()
    })
}

/// No address and no port: the resolver would not be asked for the one, and the other is somebody else's service.
fn may_follow(url: &Url, reach: Reach) -> bool {
    let has_scheme = url.scheme() == "https" || reach == Reach::Private && url.scheme() == "http";
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_host = url.port().is_none() || reach == Reach::Private;
    has_scheme && is_plain && is_host && url.domain().is_some_and(|host| may_ask(host, reach))
}

/// A resolver, without what is out of reach.
#[derive(Debug)]
struct Guarded {
    resolver: Resolver,
    reach: Reach,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, reach) = (self.resolver.clone(), self.reach);
        Box::pin(async move {
            let mut found = resolver.addresses(name.as_str()).await?;
            found.retain(|at: &SocketAddr| reach == Reach::Private || is_public(at.ip()));
            if found.is_empty() {
                return Err("the host has no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(first == 0
        || first >= 240
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        // Shared by carriers, for protocols, and for benchmarks.
        || (first == 100 && (64..128).contains(&second))
        || (first, second, third) == (192, 0, 0)
        || (first == 198 && (18..20).contains(&second)))
}

/// Only 2000::/3 is given out; of it, tunnels to IPv4 and documentation are left out.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
}

#[cfg(test)]
mod tests;
