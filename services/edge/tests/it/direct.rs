//! What there is to say about writing, once more with the hub writing past the HTTP server.

#[cfg(test)]
#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the tests of everything else"
)]
mod support;

#[cfg(test)]
mod conformance_encodings;
#[cfg(test)]
mod conformance_messages;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod extensions;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod log_faults;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod slow_readers;

/// How the nodes of these tests write.
#[cfg(test)]
const WRITER: fanjet_edge::config::Writer = fanjet_edge::config::Writer::Direct;
