//! Commits per second of one core: signatures of both curves, undoing operations, and everything together.
//!
//! On frames of a simulated world, and on real ones when `FANJET_CORPUS` names their folder. Divided by the time of one
//! sample, `commits` is the rate.
#![allow(
    clippy::expect_used,
    reason = "a benchmark may stop at the first error"
)]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use fanjet_firehose::{Commit, Frame, decode_frame};
use fanjet_simulator::{World, WorldConfig};
use fanjet_testkit::Corpus;
use fanjet_verify::{Opened, PublicKey, signing_key};
use p256::ecdsa::signature::Signer as _;

fn main() {
    divan::main();
}

/// Frames, and the key of each.
type Signed = Vec<(Vec<u8>, PublicKey)>;

#[divan::bench_group(sample_count = 20)]
mod simulated {
    use super::*;

    #[divan::bench]
    fn open(bencher: Bencher<'_, '_>) {
        run(bencher, &world(), |_, _, _| ());
    }

    #[divan::bench]
    fn signature_k256(bencher: Bencher<'_, '_>) {
        run(bencher, &world(), |opened, _, key| {
            assert!(opened.check_signature(key).is_ok());
        });
    }

    #[divan::bench]
    fn inversion(bencher: Bencher<'_, '_>) {
        run(bencher, &world(), |opened, commit, _| {
            assert!(opened.undo(commit).is_ok());
        });
    }

    #[divan::bench]
    fn signature_and_inversion(bencher: Bencher<'_, '_>) {
        run(bencher, &world(), both);
    }
}

#[divan::bench_group(sample_count = 20)]
mod real {
    use super::*;

    #[divan::bench]
    fn inversion(bencher: Bencher<'_, '_>) {
        run(bencher, &corpus(), |opened, commit, _| {
            assert!(opened.undo(commit).is_ok());
        });
    }

    #[divan::bench]
    fn signature_and_inversion(bencher: Bencher<'_, '_>) {
        run(bencher, &corpus(), both);
    }
}

/// A message of a commit object's size under a P-256 key.
#[divan::bench(sample_count = 20)]
fn signature_p256(bencher: Bencher<'_, '_>) {
    let signer = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = signer.verifying_key().to_sec1_point(true);
    let text = bs58::encode([&[0x80, 0x24], point.as_bytes()].concat()).into_string();
    let key = PublicKey::parse(&format!("z{text}")).expect("a multikey");
    let signed: Vec<_> = (0..200_u8)
        .map(|n| {
            let message = vec![n; 160];
            let signature: p256::ecdsa::Signature = signer.sign(&message);
            (message, signature.normalize_s().to_bytes())
        })
        .collect();
    bencher.counter(ItemsCount::new(signed.len())).bench(|| {
        for (message, signature) in &signed {
            assert!(key.verify(black_box(message), signature).is_ok());
        }
    });
}

fn both(opened: &Opened<'_>, commit: &Commit<'_>, key: &PublicKey) {
    assert!(opened.check_signature(key).is_ok());
    assert!(opened.undo(commit).is_ok());
}

fn run(
    bencher: Bencher<'_, '_>,
    frames: &Signed,
    check: impl Fn(&Opened<'_>, &Commit<'_>, &PublicKey) + Sync,
) {
    bencher.counter(ItemsCount::new(frames.len())).bench(|| {
        for (frame, key) in frames {
            let Ok(Frame::Commit(commit)) = decode_frame(black_box(frame)) else {
                continue;
            };
            let opened = Opened::commit(&commit).expect("an honest commit");
            check(black_box(&opened), &commit, key);
        }
    });
}

fn world() -> Signed {
    let mut world = World::new(&WorldConfig::default()).expect("a world");
    let mut signed = Vec::new();
    while signed.len() < 500 {
        let frame = world.next_frame().bytes.to_vec();
        if let Ok(Frame::Commit(commit)) = decode_frame(&frame) {
            let document = world.directory().get(commit.repo).expect("an account");
            let key = signing_key(commit.repo, document.as_bytes()).expect("a key");
            signed.push((frame, key));
        }
    }
    signed
}

/// Empty without a corpus.
fn corpus() -> Signed {
    let Some(corpus) = Corpus::from_env().expect("a sound corpus") else {
        return Vec::new();
    };
    let keyed = corpus.frames.into_iter().filter_map(|frame| {
        let Ok(Frame::Commit(commit)) = decode_frame(&frame) else {
            return None;
        };
        let document = corpus.did_documents.get(commit.repo)?;
        let key = signing_key(commit.repo, document.as_bytes()).ok()?;
        Some((frame, key))
    });
    keyed.collect()
}
