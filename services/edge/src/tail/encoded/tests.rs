use std::sync::Barrier;
use std::thread;

use super::*;

fn message(len: usize) -> Box<[u8]> {
    vec![7; len].into_boxed_slice()
}

#[test]
fn bytes_count_as_long_as_the_frame_lives() {
    let bytes = Arc::new(EncodedBytes::default());
    let (first, second) = (Encoded::default(), Encoded::default());
    assert_eq!((first.get(), first.weight()), (None, 0));
    first.get_or_make(Arc::clone(&bytes), || message(100));
    second.get_or_make(Arc::clone(&bytes), || message(1_000));
    assert!(first.weight() >= 100 && second.weight() >= 1_000);
    assert_eq!(bytes.get(), first.weight() + second.weight());
    drop(first);
    assert_eq!(bytes.get(), second.weight());
    drop(second);
    assert_eq!(bytes.get(), 0);
}

#[test]
fn one_thread_encodes_and_all_get_the_frame() {
    const THREADS: usize = 8;
    let bytes = Arc::new(EncodedBytes::default());
    let made = AtomicUsize::new(0);
    let claims = AtomicUsize::new(0);
    let all: Vec<_> = (0..200).map(|_| Encoded::default()).collect();
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for (at, encoded) in all.iter().enumerate() {
                    claims.fetch_add(usize::from(encoded.claim()), Ordering::Relaxed);
                    let frame = encoded.get_or_make(Arc::clone(&bytes), || {
                        made.fetch_add(1, Ordering::Relaxed);
                        message(at)
                    });
                    assert_eq!(frame.len(), at);
                }
            });
        }
    });
    assert_eq!(made.into_inner(), all.len());
    assert!(
        claims.into_inner() <= all.len(),
        "each is claimed at most once"
    );
    assert_eq!(bytes.get(), all.iter().map(Encoded::weight).sum::<usize>());
}

#[test]
fn an_encoded_frame_cannot_be_claimed() {
    let encoded = Encoded::default();
    encoded.get_or_make(Arc::default(), || message(1));
    assert!(!encoded.claim());
    let other = Encoded::default();
    assert!(other.claim());
    assert!(!other.claim());
}

/// A panic while encoding leaves the frame to the next caller.
#[test]
fn a_failed_encoding_is_retried() {
    let encoded = Encoded::default();
    let failed = thread::scope(|scope| {
        let attempt = scope.spawn(|| {
            encoded.get_or_make(Arc::default(), || panic!("injected"));
        });
        attempt.join().is_err()
    });
    assert!(failed);
    assert_eq!(encoded.get_or_make(Arc::default(), || message(3)).len(), 3);
}
