//! Whose request it is: the peer's, or, behind proxies that are trusted, the one whom they name in `X-Forwarded-For`.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderValue, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The address of the client, as far as it can be known.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    if trusted_proxies.is_empty() {
        return Some(peer.to_canonical());
    }
    let fields = request.headers().get_all(&X_FORWARDED_FOR);
    let fields: Vec<_> = fields.map(HeaderValue::as_bytes).collect();
    Some(beyond(peer, &fields, trusted_proxies))
}

/// Each proxy adds its own peer at the end of the list, so the list is true from its end up to the first address that
/// is not a trusted proxy's. What stands before that anybody may have written.
fn beyond(peer: IpAddr, forwarded_for: &[&[u8]], trusted_proxies: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted_proxies.iter().any(|net| net.contains(&address));
    let mut client = peer.to_canonical();
    let fields = forwarded_for.iter().rev();
    for named in fields.flat_map(|field| field.rsplit(|&byte| byte == b',')) {
        if !is_trusted(client) {
            break;
        }
        // A proxy that names nobody we understand is the last one that is known.
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
