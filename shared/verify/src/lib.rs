//! Whether a commit is its account's, and whether its operations are what changed the repo.
//!
//! Two questions, answered apart, from the frame's bytes alone:
//!
//! 1. [`Opened::check_signature`]: is the signed commit in the frame signed with the account's key?
//! 2. [`Opened::undo`]: do the frame's operations, undone in the tree that the commit signs, lead to the tree that was
//!    there before (`prevData`)? Then nothing but these operations happened, and all of them did.
//!
//! ```text
//! Commit ──open──▶ Opened ──check_signature(key)──▶ ok | Refusal
//!                         └─undo──▶ Proven | Unverifiable | Refusal
//! tree::walk ──records, unknown subtrees──▶ tree::undo ──as they were──▶ tree::build ──▶ the root before
//! ```
//!
//! Nothing here does I/O, knows time, or remembers anything: that `since` and `prevData` are those of the commit
//! before is for somebody with a memory. No input makes it panic. The work for one frame is bounded by [`limits`]:
//! each block is hashed at most once, and no more bytes of keys are looked at than `limits::KEY_BYTES`.
//!
//! Rules: <https://atproto.com/specs/repository>, `/sync`, `/cryptography`, and the Lexicon
//! `com.atproto.sync.subscribeRepos`.

pub mod limits;
mod error;
mod key;
mod did_document;
mod signed;
mod tree;
mod opened;

pub use did_document::signing_key;
pub use error::{Blame, KeyError, Refusal};
pub use key::PublicKey;
pub use opened::{Inversion, Opened};
