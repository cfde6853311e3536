//! Verifies that a commit is signed by its account, and that its operations explain the change of the repo.
//!
//! Two separate questions, answered from the frame's bytes alone:
//!
//! 1. [`Opened::check_signature`]: is the signed commit in the frame signed with the account's key?
//! 2. [`Opened::undo`]: do the frame's operations, undone in the tree that the commit signs, lead to the tree before
//!    (`prevData`)? Then nothing but these operations happened, and all of them did.
//!
//! ```text
//! Commit ──open──▶ Opened ──check_signature(key)──▶ ok | Refusal
//!                         └─undo──▶ Proven | Unverifiable | Refusal
//! tree::walk ──records, unknown subtrees──▶ tree::undo ──as they were──▶ tree::build ──▶ the root before
//! ```
//!
//! Nothing here does I/O, knows time, or keeps state: checking that `since` and `prevData` match the previous commit is
//! up to a caller with state. No input causes a panic. The work for one frame is bounded by [`limits`]: each block is
//! hashed at most once, and at most `limits::KEY_BYTES` bytes of keys are read.
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

pub use did_document::{LabelerDocument, labeler, signing_key};
pub use error::{Blame, KeyError, Refusal};
pub use key::PublicKey;
pub use opened::{Inversion, Opened};
