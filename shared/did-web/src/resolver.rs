//! A DNS resolver that does not block a thread.
//!
//! Names are always absolute: no search domain of this machine is appended to a foreign name. Nothing is cached here;
//! callers decide how long a result is valid.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::RData;
use thiserror::Error;

/// Timeout of one name server, and attempts per server. Callers have their own deadline.
const TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPTS: usize = 2;
/// More TXT records under one name are ignored.
const MAX_TEXTS: usize = 64;

/// No name server gave a valid response. Retrying later can help.
#[derive(Debug, Clone, Error)]
#[error("DNS lookup failed: {0}")]
pub struct NoAnswer(String);

/// A DNS resolver. Clones share their connections.
#[derive(Clone)]
pub struct Resolver {
    /// Or the reason why it could not be set up.
    inner: Result<Arc<TokioResolver>, NoAnswer>,
    /// The port of every service, in tests.
    port: u16,
}

impl Resolver {
    /// Uses the name servers of this machine.
    pub fn system() -> Self {
        let built = TokioResolver::builder_tokio().and_then(|mut builder| {
            adapt(builder.options_mut());
            builder.build()
        });
        Self::of(built, 0)
    }

    /// Uses this name server only. With a `port` that is not 0, every service is expected at that port, whatever the
    /// scheme: for tests, which cannot use the well-known ports.
    pub fn at(server: SocketAddr, port: u16) -> Self {
        let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        let connections = connections.map(|mut connection| {
            connection.port = server.port();
            connection
        });
        let server = NameServerConfig::new(server.ip(), true, connections.into());
        let config = ResolverConfig::from_name_servers(vec![server]);
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        adapt(builder.options_mut());
        Self::of(builder.build(), port)
    }

    fn of(built: Result<TokioResolver, NetError>, port: u16) -> Self {
        let inner = built.map(Arc::new);
        Self {
            inner: inner.map_err(|error| NoAnswer(error.to_string())),
            port,
        }
    }

    /// The addresses of a host; none if the host does not exist.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, NoAnswer> {
        let inner = self.inner.as_ref().map_err(NoAnswer::clone)?;
        let found = none_is_empty(inner.lookup_ip(whole(host)).await)?;
        let addresses = found.iter().flat_map(|found| found.iter());
        let with_port = addresses.map(|address: IpAddr| SocketAddr::new(address, self.port));
        Ok(with_port.collect())
    }

    /// The TXT records under a name; none if the name does not exist or has none.
    ///
    /// # Errors
    /// [`NoAnswer`].
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, NoAnswer> {
        let inner = self.inner.as_ref().map_err(NoAnswer::clone)?;
        let found = none_is_empty(inner.txt_lookup(whole(name)).await)?;
        let records = found.iter().flat_map(|found| found.answers());
        let texts = records.filter_map(|record| match &record.data {
            RData::TXT(text) => Some(text.txt_data.concat()),
            _ => None,
        });
        let texts = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(texts.take(MAX_TEXTS).collect())
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

fn adapt(options: &mut ResolverOpts) {
    options.timeout = TIMEOUT;
    options.attempts = ATTEMPTS;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
}

fn whole(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

/// An empty result is a valid result.
fn none_is_empty<T>(found: Result<T, NetError>) -> Result<Option<T>, NoAnswer> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(NetError::Dns(DnsError::NoRecordsFound(none)))
            if matches!(
                none.response_code,
                ResponseCode::NXDomain | ResponseCode::NoError
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(NoAnswer(error.to_string())),
    }
}

#[cfg(test)]
mod tests;
