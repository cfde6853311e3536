//! The sockets of a node, beside what the HTTP server does with them: it has no way to see that one is stuck, and its
//! futures are not polled while it is.

mod socket;

mod stalls;

pub(crate) use socket::Socket;
pub(crate) use stalls::{Held, Stalls, socket_of};
