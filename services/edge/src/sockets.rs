//! The sockets of a node, beside those who serve them: the futures of a connection are not polled while it is stuck.

mod socket;

mod stalls;

pub(crate) use socket::Socket;
pub(crate) use stalls::{Held, Stalls};
