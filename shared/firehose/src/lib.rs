//! Firehose frames: header, body, CAR, operations, record to JSON.
//!
//! The pure half of ingest: bytes of `com.atproto.sync.subscribeRepos` in, borrowed views and JSON text out. Nothing
//! here does I/O, knows time, or trusts a declared size; no input causes a panic, recursion beyond 128 levels, or more
//! than `O(n log n)` steps for `n` bytes: a block is hashed once and a tree node read once, however often they are
//! referenced. Callers validate the syntax of DIDs, NSIDs, record keys, revs and times, and verify signatures. An
//! operation's record must be among the commit's blocks and match its CID, and the tree of the signed commit must lead
//! to it, as in V1.
//!
//! ```text
//! frame ──decode_frame──▶ Commit ──open──▶ OpenCommit ──operations──▶ Operation { action, path, record } ──write_record_json──▶ JSON
//!                                                     └─prove(claims)──▶ in the tree | OpError
//! ```
//!
//! # Deliberate differences
//! The `oracle` module (feature `oracle`) decodes the same bytes with serde_ipld_dagcbor, iroh-car and serde_json, and
//! property tests and fuzzing compare the two. They differ deliberately, each difference pinned by a test, in:
//!
//! - a text inside a record that is not UTF-8: each bad byte becomes `\ufffd` as in V1; the oracle refuses it;
//! - a CAR that ends inside a section's length: refused; iroh-car takes it for the end;
//! - a CAR section length beyond 64 bits: refused; iroh-car cuts it to 64;
//! - a CAR section whose CID is not of a blessed format: skipped whatever its CID is; iroh-car reads the CID and
//!   refuses the CAR when it cannot;
//! - a CAR section above 4 MiB: accepted; iroh-car refuses it;
//! - a CAR header: strict DAG-CBOR with unknown keys ignored; iroh-car is less strict.
//!
//! Both accept map keys in any order, since V1 does, and both refuse duplicate keys. Both refuse what DAG-CBOR forbids:
//! indefinite lengths, heads that are not the shortest, half and single floats, NaN, infinities, negative zero, tags
//! other than 42, `undefined`. Where V1 is unknown or harmful, both choose: integers beyond `i64` are refused; floats are
//! kept, in Go's format; a blob's size is a non-negative integer; `{"$link":...}` written as a map is served when its text is
//! the canonical one of a CID; records of more than 120 levels are refused (V1 has no bound), since what is wrapped around them must
//! stay within what JSON parsers read.

pub mod cbor;
mod error;
mod car;
mod blocks;
mod ops;
mod signed;
mod tree;
mod commit;
mod frame;
mod record;

#[cfg(feature = "oracle")]
pub mod oracle;

pub use blocks::Blocks;
pub use cbor::CborError;
pub use commit::{Commit, Content, OpenCommit, Operation};
pub use error::{CarError, FrameError, OpError, RecordError, SignedError};
pub use frame::{
    Account, ErrorFrame, Frame, Identity, Info, Sync, Unknown, decode_frame, seq_at_beginning,
};
pub use ops::{ListedOp, Ops};
pub use record::{MAX_RECORD_LEVELS, write_record_json, write_record_json_within};
pub use tree::{Claim, MAX_PATH};
