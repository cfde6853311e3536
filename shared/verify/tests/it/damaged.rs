//! One damage at a time, each refused for its reason.

use std::collections::BTreeSet;

use fanjet_event::Cid;
use fanjet_verify::{Blame, Inversion, PublicKey, Refusal};
use ipld_core::ipld::Ipld;
use k256::ecdsa::{Signature, SigningKey};
use proptest::prelude::*;

use crate::editable::{Editable, encode, link};
use crate::support::{check, key_in, world};

/// A key that no account has.
fn own_key() -> (SigningKey, PublicKey) {
    let key = SigningKey::from_slice(&[9; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(true);
    let text = bs58::encode([&[0xe7, 0x01], point.as_bytes()].concat()).into_string();
    (key, PublicKey::parse(&format!("z{text}")).unwrap())
}

/// Commit frames of one world, with their accounts' keys.
fn commits(seed: u64) -> impl Iterator<Item = (Editable, PublicKey)> {
    let mut world = world(seed);
    std::iter::repeat_with(move || {
        let frame = Editable::take_apart(&world.next_frame().bytes)?;
        let key = key_in(&world, frame.did());
        Some((frame, key))
    })
    .flatten()
}

fn stranger() -> Cid {
    Cid::of_dag_cbor(b"unused")
}

/// Commits that are looked at, and so many more until one can have the damage: some kinds are rare.
const COMMITS: usize = 40;
const MORE_COMMITS: usize = 4_000;

/// What a damage was answered with, for all commits of a world that can have it.
fn answers(seed: u64, damage: impl Fn(&mut Editable) -> Option<()>) -> BTreeSet<String> {
    let mut answers = BTreeSet::new();
    for (number, (mut frame, key)) in commits(seed).take(MORE_COMMITS).enumerate() {
        if number >= COMMITS && !answers.is_empty() {
            break;
        }
        assert_eq!(check(&frame.put_together(), &key), Ok(Inversion::Proven));
        if damage(&mut frame).is_some() {
            answers.insert(format!("{:?}", check(&frame.put_together(), &key)));
        }
    }
    assert!(
        !answers.is_empty(),
        "seed {seed}: no commit could be damaged"
    );
    answers
}

fn only(allowed: &[Refusal]) -> BTreeSet<String> {
    allowed
        .iter()
        .map(|refusal| format!("{:?}", Err::<Inversion, _>(refusal)))
        .collect()
}

fn set(map: &mut std::collections::BTreeMap<String, Ipld>, key: &str, value: Ipld) {
    map.insert(key.to_owned(), value);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn what_the_frame_says_of_the_repo_must_be_true(seed in any::<u64>(), pick in any::<prop::sample::Index>()) {
        let removed = answers(seed, |frame| {
            let ops = frame.ops();
            ops.remove(pick.index(ops.len()));
            Some(())
        });
        prop_assert!(removed.is_subset(&only(&[Refusal::WrongPrevData, Refusal::Incomplete])), "{:?}", removed);

        let added = answers(seed, |frame| {
            let mut op = frame.op(0).clone();
            set(&mut op, "action", Ipld::String("create".to_owned()));
            set(&mut op, "path", Ipld::String("app.bsky.feed.post/3mzzzzzzzzz2a".to_owned()));
            set(&mut op, "cid", link(stranger()));
            op.remove("prev");
            frame.ops().push(Ipld::Map(op));
            Some(())
        });
        prop_assert!(added.is_subset(&only(&[Refusal::NotInTree, Refusal::Incomplete])), "{:?}", added);

        let twice = answers(seed, |frame| {
            let op = frame.ops()[0].clone();
            frame.ops().push(op);
            Some(())
        });
        prop_assert_eq!(twice, only(&[Refusal::DuplicatePath]));

        let changed = answers(seed, |frame| {
            let at = pick.index(frame.ops().len());
            let op = frame.op(at);
            matches!(op["cid"], Ipld::Link(_)).then(|| set(op, "cid", link(stranger())))
        });
        prop_assert_eq!(changed, only(&[Refusal::NotInTree]));

        let undeleted = answers(seed, |frame| {
            let op = frame.op(0);
            matches!(op["cid"], Ipld::Link(_)).then(|| {
                set(op, "action", Ipld::String("delete".to_owned()));
                set(op, "cid", Ipld::Null);
                set(op, "prev", link(stranger()));
            })
        });
        prop_assert_eq!(undeleted, only(&[Refusal::StillInTree]));

        let before = answers(seed, |frame| {
            set(&mut frame.body, "prevData", link(stranger()));
            Some(())
        });
        prop_assert_eq!(before, only(&[Refusal::WrongPrevData]));
    }

    #[test]
    fn what_was_there_before_must_be_true(seed in any::<u64>()) {
        let with_prev = |frame: &mut Editable| {
            let count = frame.ops().len();
            (0..count).find(|at| matches!(frame.op(*at).get("prev"), Some(Ipld::Link(_))))
        };
        let changed = answers(seed, |frame| {
            let at = with_prev(frame)?;
            set(frame.op(at), "prev", link(stranger()));
            Some(())
        });
        prop_assert_eq!(changed, only(&[Refusal::WrongPrevData]));
        let missing = answers(seed, |frame| {
            let at = with_prev(frame)?;
            frame.op(at).remove("prev").map(drop)
        });
        prop_assert_eq!(missing, only(&[Refusal::MissingPrev]));
    }

    #[test]
    fn nodes_must_be_there_and_whole(seed in any::<u64>(), pick in any::<prop::sample::Index>()) {
        let flipped = answers(seed, |frame| {
            let nodes = frame.nodes();
            let block = frame.block(nodes[pick.index(nodes.len())]);
            let at = pick.index(block.len());
            block[at] ^= 1;
            Some(())
        });
        prop_assert_eq!(flipped, only(&[Refusal::NodeMismatch]));

        let no_root = answers(seed, |frame| {
            let root = frame.nodes()[0];
            frame.blocks.retain(|(cid, _)| *cid != root);
            Some(())
        });
        prop_assert_eq!(no_root, only(&[Refusal::Incomplete]));

        // A node that only says what is beside a key can be spared when the key had no other neighbour.
        let mut missing = answers(seed, |frame| {
            let nodes = frame.nodes();
            let node = *nodes.get(1 + pick.index(nodes.len().checked_sub(1)?.max(1)))?;
            frame.blocks.retain(|(cid, _)| *cid != node);
            Some(())
        });
        // Without another one the previous tree cannot be distinguished from a different one.
        missing.remove("Ok(Proven)");
        prop_assert!(missing.is_subset(&only(&[Refusal::Incomplete, Refusal::WrongPrevData])), "{:?}", missing);
    }

    #[test]
    fn keys_of_a_node_must_rise(seed in any::<u64>()) {
        let (own, own_public) = own_key();
        let mut answers = BTreeSet::new();
        let out_of_order = only(&[Refusal::KeyOrder]);
        for (number, (mut frame, _)) in commits(seed).take(MORE_COMMITS).enumerate() {
            if number >= COMMITS && answers.is_superset(&out_of_order) {
                break;
            }
            let root = frame.nodes()[0];
            let Ok(Ipld::Map(mut node)) = serde_ipld_dagcbor::from_slice(frame.block(root)) else { panic!() };
            let Some(Ipld::List(entries)) = node.get_mut("e") else { panic!() };
            if entries.len() < 2 {
                continue;
            }
            // Written out, exchanged, and compressed again: a node in the right form with keys in the wrong order.
            let mut keys = written_out(entries);
            keys.swap(0, 1);
            compress(entries, &keys);
            frame.set_root_node(&own, &Ipld::Map(node));
            answers.insert(format!("{:?}", check(&frame.put_together(), &own_public)));
        }
        // An operation between the two keys is missed before the order is.
        let allowed = only(&[Refusal::KeyOrder, Refusal::NotInTree, Refusal::Incomplete]);
        prop_assert!(answers.is_subset(&allowed), "{:?}", answers);
        prop_assert!(answers.is_superset(&out_of_order), "{:?}", answers);
    }

    #[test]
    fn the_signature_must_be_the_accounts(seed in any::<u64>(), at in 0..64_usize, bit in 0..8_u32) {
        for (mut frame, key) in commits(seed).take(10) {
            let mut commit = frame.commit_object();
            let Some(Ipld::Bytes(signature)) = commit.get_mut("sig") else { panic!() };
            let good = signature.clone();
            signature[at] ^= 1 << bit;
            frame.set_commit_object(commit.clone());
            let refusal = check(&frame.put_together(), &key).unwrap_err();
            prop_assert_eq!(refusal.blame(), Blame::Signature);

            commit.insert("sig".to_owned(), Ipld::Bytes(high_s(&good)));
            frame.set_commit_object(commit.clone());
            prop_assert_eq!(check(&frame.put_together(), &key), Err(Refusal::HighS));

            commit.insert("sig".to_owned(), Ipld::Bytes(good));
            frame.set_commit_object(commit);
            prop_assert_eq!(check(&frame.put_together(), &key), Ok(Inversion::Proven));
            let (own, own_public) = own_key();
            prop_assert_eq!(check(&frame.put_together(), &own_public), Err(Refusal::BadSignature));
            frame.resign(&own, |_| ());
            prop_assert_eq!(check(&frame.put_together(), &key), Err(Refusal::BadSignature));
        }
    }

    #[test]
    fn the_commit_must_be_the_frames(seed in any::<u64>()) {
        let rev = answers(seed, |frame| {
            set(&mut frame.body, "rev", Ipld::String("3mptbypluud2a".to_owned()));
            Some(())
        });
        prop_assert_eq!(rev, only(&[Refusal::WrongRev]));
        let did = answers(seed, |frame| {
            set(&mut frame.body, "repo", Ipld::String("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa".to_owned()));
            Some(())
        });
        prop_assert_eq!(did, only(&[Refusal::WrongDid]));
        let block = answers(seed, |frame| {
            let cid = frame.commit_cid();
            *frame.block(cid).last_mut().unwrap() ^= 1;
            Some(())
        });
        prop_assert_eq!(block, only(&[Refusal::CommitMismatch]));
        let gone = answers(seed, |frame| {
            let commit = frame.commit_cid();
            frame.blocks.retain(|(cid, _)| *cid != commit);
            Some(())
        });
        prop_assert_eq!(gone, only(&[Refusal::MissingCommit]));
        let version = answers(seed, |frame| {
            let mut commit = frame.commit_object();
            set(&mut commit, "version", Ipld::Integer(2));
            frame.set_commit_object(commit);
            Some(())
        });
        prop_assert_eq!(version, only(&[Refusal::MalformedCommit]));
    }
}

/// The same signature with the other `s`: the group order minus it.
fn high_s(signature: &[u8]) -> Vec<u8> {
    let signature = Signature::from_slice(signature).unwrap();
    let negated = -*signature.s();
    let high = Signature::from_scalars(signature.r().to_bytes(), negated.to_bytes());
    high.unwrap().to_bytes().to_vec()
}

fn written_out(entries: &[Ipld]) -> Vec<Vec<u8>> {
    let mut key = Vec::new();
    let keys = entries.iter().map(|entry| {
        let Ipld::Map(entry) = entry else { panic!() };
        let (Ipld::Integer(shared), Ipld::Bytes(rest)) = (&entry["p"], &entry["k"]) else {
            panic!()
        };
        key.truncate(*shared as usize);
        key.extend_from_slice(rest);
        key.clone()
    });
    keys.collect()
}

fn compress(entries: &mut [Ipld], keys: &[Vec<u8>]) {
    let mut before: &[u8] = &[];
    for (entry, key) in entries.iter_mut().zip(keys) {
        let Ipld::Map(entry) = entry else { panic!() };
        let shared = std::iter::zip(before, key)
            .take_while(|(a, b)| a == b)
            .count();
        set(entry, "p", Ipld::Integer(shared as i128));
        set(entry, "k", Ipld::Bytes(key[shared..].to_vec()));
        before = key;
    }
    assert!(encode(&Ipld::List(entries.to_vec())).len() > 1);
}
