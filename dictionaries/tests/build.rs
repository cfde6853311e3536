//! The build takes the official dictionary and nothing else.

#[allow(dead_code, reason = "the build script uses more of it")]
#[path = "../build/official.rs"]
mod official;

#[test]
fn the_official_bytes_pass() {
    assert_eq!(official::check(fanjet_dictionaries::v1().bytes()), Ok(()));
}

#[test]
fn any_other_bytes_fail_naming_expected_and_found() {
    let mut flipped = fanjet_dictionaries::v1().bytes().to_vec();
    flipped[100_000] ^= 1;
    let cut = &fanjet_dictionaries::v1().bytes()[..112_639];
    for (bytes, found) in [
        (&flipped[..], "found 112640 bytes"),
        (cut, "found 112639 bytes"),
        (b"", "e3b0c44298fc1c14"),
    ] {
        let reason = official::check(bytes).unwrap_err();
        assert!(
            reason.contains("expected 112640 bytes with sha256 b8d77b46933a"),
            "{reason}"
        );
        assert!(reason.contains(found), "{reason}");
    }
}
