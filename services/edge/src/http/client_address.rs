//! The client's address: the peer, or the entry of `X-Forwarded-For` that trusted proxies added.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderValue, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The address of the client, as far as it is known.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    if trusted_proxies.is_empty() {
        return Some(peer.to_canonical());
    }
    let fields = request.headers().get_all(&X_FORWARDED_FOR);
    let fields: Vec<_> = fields.map(HeaderValue::as_bytes).collect();
    Some(forwarded_client(peer, &fields, trusted_proxies))
}

/// Each proxy appends its own peer to the list, so the list can be trusted from its end up to the first address that is not a
/// trusted proxy. Clients can forge everything before that.
fn forwarded_client(peer: IpAddr, forwarded_for: &[&[u8]], trusted_proxies: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted_proxies.iter().any(|net| net.contains(&address));
    let mut client = peer.to_canonical();
    let fields = forwarded_for.iter().rev();
    for named in fields.flat_map(|field| field.rsplit(|&byte| byte == b',')) {
        if !is_trusted(client) {
            break;
        }
        // After an invalid entry the proxy itself is the last known address.
        let Some(address) = std::str::from_utf8(named)
            .ok()
            .and_then(|it| address(it.trim()))
        else {
            break;
        };
        client = address.to_canonical();
    }
    client
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    bare.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests;
