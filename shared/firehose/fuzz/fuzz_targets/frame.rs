//! Any bytes as a frame: no panic, and no disagreement with the oracle.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(disagreement) = fanjet_firehose::oracle::compare_frame(bytes) {
        panic!("{disagreement}");
    }
});
