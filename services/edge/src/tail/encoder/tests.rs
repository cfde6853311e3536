use std::thread;

use super::*;
use crate::events::{commit, event};
use crate::tail::{Collections, Entry};
use fanjet_event::Topic;

fn encoder() -> Encoder {
    Encoder::new(Compression::default(), Arc::default())
}

fn entries(count: u64) -> Vec<Entry> {
    let mut collections = Collections::new(10);
    (1..=count)
        .map(|seq| {
            let logged = commit("app.bsky.feed.post", "did:plc:a")
                .padded(seq as usize * 31 % 900)
                .at(seq);
            Entry::new(&logged, &mut collections).unwrap()
        })
        .collect()
}

/// Case 58 of docs/develop/conformance.md: many threads together encode what one would, each frame once.
#[test]
fn many_threads_encode_as_one_does() {
    const THREADS: usize = 4;
    for encoding in [Encoding::Zstd, Encoding::V0, Encoding::V2, Encoding::V2Zstd] {
        let shared = entries(500);
        let made: u64 = thread::scope(|scope| {
            let workers: Vec<_> = (0..THREADS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut encoder = encoder();
                        for entry in &shared {
                            entry.prepare(encoding, &mut encoder);
                        }
                        for entry in &shared {
                            entry.frame_in(encoding, &mut encoder);
                        }
                        let EncodedCounts {
                            zstd,
                            stored,
                            v0,
                            v2,
                            v2_zstd,
                        } = encoder.take_made();
                        assert_eq!(stored, 0);
                        zstd + v0 + v2 + v2_zstd
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap())
                .sum()
        });
        assert_eq!(made, shared.len() as u64, "{encoding:?}");
        let mut alone = encoder();
        for (entry, fresh) in shared.iter().zip(&entries(500)) {
            assert_eq!(
                entry.frame_in(encoding, &mut alone),
                fresh.frame_in(encoding, &mut alone),
            );
        }
    }
}

#[test]
fn json_uses_the_existing_frame() {
    let mut encoder = encoder();
    for entry in entries(3) {
        entry.prepare(Encoding::Json, &mut encoder);
        let frame = entry.frame_in(Encoding::Json, &mut encoder);
        assert!(std::ptr::eq(frame.as_ptr(), entry.frame().as_ptr()));
        assert_eq!(entry.encoded_weight(), 0);
    }
    assert_eq!(encoder.take_made(), EncodedCounts::default());
    assert!(
        encoder.compressors.iter().all(Option::is_none),
        "created without need"
    );
}

/// Sync events are not served, but encoding one must be harmless.
#[test]
fn an_event_unknown_to_v0_is_unchanged() {
    let sync = event(Topic::Sync, "did:plc:a").at(1);
    let entry = Entry::new(&sync, &mut Collections::new(1)).unwrap();
    assert_eq!(
        entry.frame_in(Encoding::V0, &mut encoder()),
        &entry.frame()[..]
    );
}

#[test]
fn without_a_compressor_the_event_is_stored() {
    let mut encoder = Encoder::new(Compression::broken(), Arc::default());
    let entry = &entries(1)[0];
    let frame = entry.frame_in(Encoding::Zstd, &mut encoder);
    assert_eq!(frame, &*stored_message(&entry.json()));
    let made = encoder.take_made();
    assert_eq!((made.zstd, made.stored), (0, 1));
}
