use super::*;
use crate::disk::RealDisk;

const FIRST: LogIdentity = LogIdentity::new(1, 1);
const SECOND: LogIdentity = LogIdentity::new(2, 2);

#[test]
fn a_folder_keeps_its_identity_while_it_holds_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |holds, fresh| keep(&RealDisk, folder.path(), holds, fresh).unwrap();
    assert_eq!(keep(Holds::Nothing, FIRST), FIRST);
    assert_eq!(keep(Holds::Log, SECOND), FIRST);
    assert_eq!(keep(Holds::Nothing, SECOND), SECOND);
}

#[test]
fn a_log_from_before_identities_gets_one_and_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let keep = |fresh| keep(&RealDisk, folder.path(), Holds::Log, fresh).unwrap();
    assert_eq!(keep(FIRST), FIRST);
    assert_eq!(keep(SECOND), FIRST);
}

#[test]
fn a_file_that_is_no_identity_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    for text in [b"".as_slice(), b"1-2\n", b"\xff\xfe"] {
        fs::write(&path, text).unwrap();
        let error = keep(&RealDisk, folder.path(), Holds::Log, FIRST).unwrap_err();
        assert!(error.to_string().contains("identity"), "{error}");
        assert!(!error.is_retryable());
    }
}
