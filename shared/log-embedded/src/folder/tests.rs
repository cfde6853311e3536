use super::*;
use crate::disk::faulty::{FaultyDisk, Op};

#[test]
fn a_new_folder_and_those_above_it_are_synced_into_theirs() {
    let root = tempfile::tempdir().unwrap();
    let (above, folder) = (root.path().join("a"), root.path().join("a/b"));
    let disk = FaultyDisk::default();
    drop(lock(&disk, &folder).unwrap());
    let base = root.path().parent().unwrap();
    assert_eq!(disk.synced_folders(), [base, root.path(), &above]);
}

/// A crash between creating and syncing leaves a folder whose name is not on the disk yet.
#[test]
fn an_existing_folder_is_synced_into_its_parent() {
    let root = tempfile::tempdir().unwrap();
    let (above, folder) = (root.path().join("a"), root.path().join("a/b"));
    let disk = FaultyDisk::default();
    disk.fail(Op::SyncFolder, 1);
    fs::create_dir(&above).unwrap();
    let error = lock(&disk, &folder).unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(!folder.exists(), "nothing is made in what may be lost");
    for _ in 0..2 {
        drop(lock(&disk, &folder).unwrap());
        assert_eq!(disk.synced_folders().last(), Some(&above));
    }
}
