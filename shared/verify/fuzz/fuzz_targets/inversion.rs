//! Any bytes as the blocks of a commit: no panic, whatever the tree looks like. Hashes are made right first, or nothing
//! behind the first of them would ever be reached.

#![no_main]

use fanjet_firehose::{Frame, decode_frame};
use fanjet_verify::Opened;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // As a whole frame, and as nodes behind an honest frame around them.
    judge(bytes);
    judge(&wrapped::frame(bytes));
});

fn judge(frame: &[u8]) {
    if let Ok(Frame::Commit(commit)) = decode_frame(frame)
        && let Ok(opened) = Opened::commit(&commit)
    {
        let _verdict = opened.undo(&commit);
    }
}

#[path = "wrapped.rs"]
mod wrapped;
