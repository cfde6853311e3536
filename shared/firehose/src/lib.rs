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
//! - text in a record that is not UTF-8: each bad byte becomes `\ufffd`, as in V1; the oracle rejects the record;
//! - a CAR that ends inside a section's length: rejected; iroh-car treats it as the end;
//! - a CAR section length above 64 bits: rejected; iroh-car truncates it to 64 bits;
//! - a CAR section whose CID does not have a blessed format: skipped without parsing the CID; iroh-car parses the CID and
//!   rejects the CAR if that fails;
//! - a CAR section above 4 MiB: accepted; iroh-car rejects it;
//! - a CAR header: strict DAG-CBOR with unknown keys ignored; iroh-car is less strict.
//!
//! Both accept map keys in any order, as V1 does, and both reject duplicate keys. Both reject what DAG-CBOR forbids:
//! indefinite lengths, heads that are not the shortest, half and single floats, NaN, infinities, negative zero, tags
//! other than 42, `undefined`. Where V1's behavior is unknown or harmful, both follow the same rules: integers beyond `i64` are
//! rejected; floats are kept, in Go's format; a blob's size is a non-negative integer; a map `{"$link":...}` is accepted if
//! its text is a CID in canonical form; records of more than 120 levels are rejected (V1 has no limit), so that an event with
//! the record inside stays within the limits of JSON parsers.

pub mod cbor;
mod error;
mod car;
mod blocks;
mod ops;
mod signed;
mod tree;
mod commit;
mod frame;
mod labels;
mod renumber;
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
pub use labels::{Label, Labels, LabelsFrame, decode_labels_frame};
pub use ops::{ListedOp, Ops};
pub use record::{MAX_RECORD_LEVELS, write_record_json, write_record_json_within};
pub use renumber::{seq_range_of, with_seq};
pub use tree::{Claim, MAX_PATH};
