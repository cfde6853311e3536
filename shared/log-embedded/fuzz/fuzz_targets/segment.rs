//! Any bytes as a segment file, with and without valid checksums: no panic, and no read beyond the bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    fanjet_log_embedded::fuzz::segment(bytes);
    fanjet_log_embedded::fuzz::framed(bytes);
});
