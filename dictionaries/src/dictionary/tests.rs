use std::fs;

use sha2::{Digest, Sha256};

use super::*;

fn from_bytes(bytes: &[u8]) -> Result<Dictionary, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some.zdict");
    fs::write(&path, bytes).unwrap();
    Dictionary::from_file(&path).map_err(|error| {
        assert!(!error.is_retryable());
        let error = error.to_string();
        assert!(error.contains("some.zdict"), "{error}");
        error
    })
}

fn with_id(id: u32, len: usize) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&id.to_le_bytes());
    bytes.resize(len, 7);
    bytes
}

#[test]
fn v1_is_what_clients_have_bundled() {
    assert_eq!(v1().id(), 1_612_007_021);
    assert_eq!(v1().bytes().len(), 112_640);
}

/// Clients keep a dictionary by its id, so other bytes need another id.
#[test]
fn v2_is_what_clients_have_fetched() {
    assert_eq!(v2().id(), 1_717_661_234);
    let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(v2().bytes()));
    assert_eq!(
        sha256,
        "01c5c81a6597281795c28f9f1db4e38c8b010076405cf57271265862025e250c"
    );
}

/// The zstd format reserves ids below 2^15 and from 2^31 on; the official ones are dates.
#[test]
fn the_id_of_v2_is_not_reserved() {
    assert!((1 << 15..1_u32 << 31).contains(&v2().id()));
    assert!(v2().id() > 99_991_231, "no date");
}

#[test]
fn a_file_gives_the_same_dictionary() {
    assert_eq!(&from_bytes(v1().bytes()).unwrap(), v1());
    assert_eq!(from_bytes(&with_id(1, HEADER_LEN)).unwrap().id(), 1);
    assert_eq!(
        from_bytes(&with_id(u32::MAX, MAX_LEN)).unwrap().id(),
        u32::MAX
    );
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_what_is_allowed() {
    for (bytes, says) in [
        (with_id(1, MAX_LEN + 1), "1048576 bytes"),
        (with_id(0, 100), "must not be 0"),
        (with_id(1, HEADER_LEN - 1), "37 a4 30 ec"),
        (vec![], "37 a4 30 ec"),
        (b"{\"did\":\"did:plc:x\"}".to_vec(), "37 a4 30 ec"),
    ] {
        let error = from_bytes(&bytes).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn an_absent_file_is_named() {
    let error = Dictionary::from_file("/nowhere/at-all.zdict").unwrap_err();
    assert!(matches!(error, DictionaryError::Unreadable { .. }));
    assert!(error.to_string().contains("/nowhere/at-all.zdict"));
}

#[test]
fn debug_output_does_not_print_the_bytes() {
    assert_eq!(
        format!("{:?}", v1()),
        "Dictionary { id: 1612007021, len: 112640 }"
    );
}
