//! The node's one reader of the log and the memory that all subscribers share.

mod feeder;

mod collections;
mod entry;

mod compression;
mod encoder;
mod encoded;

mod ring;

mod status;

pub use collections::{CollectionId, Collections};
pub use compression::Compression;
pub use encoded::EncodedBytes;
pub use encoder::{Encoder, Made};
pub use entry::Entry;
pub use ring::{Head, Read, ReadLimit, Ring};

pub(crate) use feeder::Feeder;
pub(crate) use status::TailStatus;
