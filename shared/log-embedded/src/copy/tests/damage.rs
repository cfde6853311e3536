//! Files that are lost or harmed while the copy is closed.

use std::fs;

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// One segment of several is gone: the copy is refused, unless what is left is in one piece.
#[tokio::test]
async fn a_missing_segment_never_passes_for_a_hole() {
    let folder = tempfile::tempdir().unwrap();
    let copy = create(&folder, 400).await;
    copy.appender()
        .append(&some(400..500, 5), 500)
        .await
        .unwrap();
    for begin in [300, 200, 100] {
        assert!(add_past(&copy, begin..begin + 100, 5).await);
    }
    drop(copy);
    let segments = folder::segments(folder.path()).unwrap();
    assert_eq!(segments.len(), 4);
    for (at, (_, path)) in segments.iter().enumerate() {
        let kept = fs::read(path).unwrap();
        fs::remove_file(path).unwrap();
        match open(&folder).await {
            Err(OpenError::Damaged { .. }) => assert!(at == 1 || at == 2, "{at}"),
            Ok(Some(copy)) => {
                let left = match at {
                    0 => some(200..500, 5),
                    _ => some(100..400, 5),
                };
                assert_eq!(whole(&copy, &Selection::All, NO_LIMIT).await.unwrap(), left);
            }
            other => panic!("{other:?}"),
        }
        // Opening may have started a segment behind the last one.
        for (_, path) in folder::segments(folder.path()).unwrap() {
            if !segments.iter().any(|(_, known)| *known == path) {
                fs::remove_file(path).unwrap();
            }
        }
        fs::write(path, kept).unwrap();
    }
}

/// Whatever is done to the files: the copy is refused, or a read fails, or what is read is the original's.
#[tokio::test]
async fn a_damaged_copy_never_serves_anything_wrong() {
    let (mut refused, mut failed, mut shorter) = (0, 0, 0);
    for seed in 0..120 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        let copy = create(&folder, 300).await;
        let mut appender = copy.appender();
        for begin in (300..500).step_by(20) {
            appender
                .append(&some(begin..begin + 20, 6), begin + 20)
                .await
                .unwrap();
        }
        assert!(add_past(&copy, 100..300, 6).await);
        drop((appender, copy));
        let segments = folder::segments(folder.path()).unwrap();
        let (_, path) = &segments[random.random_range(0..segments.len())];
        let mut bytes = fs::read(path).unwrap();
        let at = random.random_range(0..bytes.len());
        match random.random_range(0..4) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes.truncate(at),
            // What a power failure leaves of what was not synced.
            2 => {
                let end = (at + random.random_range(1..4_096)).min(bytes.len());
                bytes[at..end].fill(0);
            }
            _ => bytes[at..].fill(random.random()),
        }
        fs::write(path, bytes).unwrap();
        let original = some(100..500, 6);
        match open(&folder).await {
            Err(_) => refused += 1,
            Ok(copy) => match whole(&copy.unwrap(), &Selection::All, NO_LIMIT).await {
                Err(error) => {
                    assert!(matches!(error, LogError::Corrupt { .. }), "{error}");
                    failed += 1;
                }
                Ok(found) => {
                    assert!(original.starts_with(&found), "seed {seed}");
                    shorter += 1;
                }
            },
        }
        // The owner starts another one.
        let copy = create(&folder, 600).await;
        assert!(copy.bounds().is_empty());
    }
    assert!(
        refused > 10 && failed > 10 && shorter > 10,
        "{refused} {failed} {shorter}"
    );
}
