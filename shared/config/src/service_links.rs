//! Kubernetes' service links: beside a Service named `fanjet`, every pod has `FANJET_PORT=tcp://10.0.0.1:6008` and similar
//! variables in its environment. They look like our variables and are not settings.
//!
//! A variable counts as a link only if both its name and its value have the form of a link, so that a mistyped setting is still
//! an error.

use std::net::IpAddr;

/// The transports that a Service can have.
const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// Whether Kubernetes set this variable as the address of a Service.
pub(crate) fn is_service_link(name: &str, value: &str) -> bool {
    let words: Vec<&str> = name.split('_').collect();
    match words[..] {
        [_, .., "SERVICE", "HOST"] => is_address(value),
        [_, .., "PORT", port, protocol, "ADDR"] => is_of(port, protocol) && is_address(value),
        [_, .., "PORT", port, protocol, "PORT"] => is_of(port, protocol) && is_port(value),
        [_, .., "PORT", port, protocol, "PROTO"] => {
            is_of(port, protocol) && PROTOCOLS.contains(&value)
        }
        [_, .., "PORT", port, protocol] if is_of(port, protocol) => is_endpoint(value),
        [_, .., "PORT"] if is_endpoint(value) => true,
        // SERVICE_PORT, and SERVICE_PORT_NAME for a named port.
        [_, ..] => {
            words
                .windows(2)
                .skip(1)
                .any(|two| two == ["SERVICE", "PORT"])
                && is_port(value)
        }
        [] => false,
    }
}

fn is_of(port: &str, protocol: &str) -> bool {
    is_port(port) && PROTOCOLS.contains(&protocol.to_ascii_lowercase().as_str())
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// As in `tcp://10.0.0.1:6008` or `tcp://[fd00::1]:6008`.
fn is_endpoint(text: &str) -> bool {
    let Some((protocol, authority)) = text.split_once("://") else {
        return false;
    };
    let Some((address, port)) = authority.rsplit_once(':') else {
        return false;
    };
    let address = address
        .strip_prefix('[')
        .and_then(|address| address.strip_suffix(']'))
        .unwrap_or(address);
    PROTOCOLS.contains(&protocol) && is_address(address) && is_port(port)
}

#[cfg(test)]
mod tests;
