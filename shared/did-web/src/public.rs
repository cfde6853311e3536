//! Clients that connect to public addresses only. The address is checked, not the name: the owner of a name controls
//! what it resolves to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::ClientBuilder;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::Url;

use crate::url::may_ask;
use crate::{Reach, Resolver};

/// Builds a client without redirects and proxies. It connects to public hosts by HTTPS only, at public addresses only,
/// and resolves names without blocking a thread.
pub fn within(reach: Reach, builder: ClientBuilder) -> ClientBuilder {
    match reach {
        Reach::Public => within_by(reach, Resolver::system(), builder),
        Reach::Private => plain(builder),
    }
}

/// As [`within`], with a given resolver.
pub fn within_by(reach: Reach, resolver: Resolver, builder: ClientBuilder) -> ClientBuilder {
    plain(builder)
        .https_only(reach == Reach::Public)
        .dns_resolver(Arc::new(Guarded { resolver, reach }))
}

fn plain(builder: ClientBuilder) -> ClientBuilder {
    builder.redirect(Policy::none()).no_proxy()
}

/// Follows at most this many redirects, and only to hosts that are allowed themselves. A redirect to another host is
/// returned as the response.
pub fn redirects(reach: Reach, most: usize) -> Policy {
    Policy::custom(move |attempt| {
        let is_too_far = attempt.previous().len() > most;
        if is_too_far || !may_follow(attempt.url(), reach) {
            return attempt.stop();
        }
        attempt.follow()
    })
}

/// Neither an IP address nor a port: an IP address would bypass the resolver, and another port is not the host's web
/// server.
fn may_follow(url: &Url, reach: Reach) -> bool {
    let has_scheme = url.scheme() == "https" || reach == Reach::Private && url.scheme() == "http";
    let is_plain = url.username().is_empty() && url.password().is_none();
    let is_host = url.port().is_none() || reach == Reach::Private;
    has_scheme && is_plain && is_host && url.domain().is_some_and(|host| may_ask(host, reach))
}

/// A resolver that drops addresses outside the allowed reach.
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

/// The public addresses of a host that a stranger named, with a port. A host that is an address itself has that one.
///
/// # Errors
/// [`NoAnswer`](crate::NoAnswer).
pub async fn public_addresses(
    resolver: &Resolver,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, crate::NoAnswer> {
    let mut found = match host.trim_matches(['[', ']']).parse() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => resolver.addresses(host).await?,
    };
    found.retain(|at| is_public(at.ip()));
    for at in &mut found {
        at.set_port(port);
    }
    Ok(found)
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
        // Shared address space for carriers, protocol assignments, and benchmarks.
        || (first == 100 && (64..128).contains(&second))
        || (first, second, third) == (192, 0, 0)
        || (first == 198 && (18..20).contains(&second)))
}

/// Only 2000::/3 is allocated; tunnels to IPv4 and documentation ranges within it are excluded.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000
        && first != 0x2002
        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
}

#[cfg(test)]
mod tests;
