//! A started edge with real WebSocket clients, over a log with injected faults.

#[cfg(test)]
mod support;

#[cfg(test)]
mod asyncapi;
#[cfg(test)]
mod churn;
#[cfg(test)]
mod delays;
#[cfg(test)]
mod compression;
#[cfg(test)]
mod conformance_encodings;
#[cfg(test)]
mod conformance_filters;
#[cfg(test)]
mod conformance_handshake;
#[cfg(test)]
mod conformance_messages;
#[cfg(test)]
mod cursors;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod event_streams;
#[cfg(test)]
mod extensions;
#[cfg(test)]
mod handover;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod http_semantics;
#[cfg(test)]
mod kernel_memory;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod log_faults;
#[cfg(test)]
mod log_damaged;
#[cfg(test)]
mod log_replaced;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod pools;
#[cfg(test)]
mod posted_filters;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod slow_readers;
#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod status;
#[cfg(test)]
mod status_cluster;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod v2;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod violations;
