use std::collections::{BTreeMap, BTreeSet};

use ipld_core::ipld::Ipld;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;

const LEAF: &str = "bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454";

fn leaf() -> Cid {
    Cid::parse(LEAF).unwrap()
}

fn tree(paths: &[&str]) -> Mst {
    let mut tree = Mst::default();
    for path in paths {
        assert_eq!(tree.insert(path, leaf()), None);
    }
    tree
}

/// The interoperability vectors name paths by their last characters.
fn record(short: &str) -> String {
    format!("com.example.record/3jqfcqzm{short}")
}

fn root_of(short: &[&str]) -> String {
    let paths: Vec<String> = short.iter().map(|short| record(short)).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    tree(&paths).root_cid().to_string()
}

/// Key depths from the ATProto interoperability tests.
#[test]
fn layers_of_known_keys() {
    for (key, layer) in [
        ("", 0),
        ("asdf", 0),
        ("blue", 1),
        ("2653ae71", 0),
        ("88bfafc7", 2),
        ("2a92d355", 4),
        ("884976f5", 6),
        ("app.bsky.feed.post/454397e440ec", 4),
        ("app.bsky.feed.post/9adeb165882c", 8),
    ] {
        assert_eq!(layer_of(key), layer, "{key}");
    }
}

/// Roots from the ATProto interoperability tests ("known maps").
#[test]
fn roots_of_known_maps() {
    for (paths, root) in [
        (
            &[][..],
            "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm",
        ),
        (
            &["3fo2j"],
            "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu",
        ),
        (
            &["3fx2j"],
            "bafyreih7wfei65pxzhauoibu3ls7jgmkju4bspy4t2ha2qdjnzqvoy33ai",
        ),
        (
            &["3fp2j", "3fr2j", "3fs2j", "3ft2j", "4fc2j"],
            "bafyreicmahysq4n6wfuxo522m6dpiy7z7qzym3dzs756t5n7nfdgccwq7m",
        ),
    ] {
        assert_eq!(root_of(paths), root, "{paths:?}");
    }
}

/// Changes and roots from the ATProto interoperability tests ("edge cases").
#[test]
fn known_edge_cases() {
    for (paths, before, change, after) in [
        (
            &["3fn2j", "3fo2j", "3fp2j", "3fs2j", "3ft2j", "3fu2j"][..],
            "bafyreifnqrwbk6ffmyaz5qtujqrzf5qmxf7cbxvgzktl4e3gabuxbtatv4",
            "-3fs2j",
            "bafyreie4kjuxbwkhzg2i5dljaswcroeih4dgiqq6pazcmunwt2byd725vi",
        ),
        (
            &[
                "3fo2j", "3fp2j", "3fr2j", "3fs2j", "3ft2j", "3fz2j", "4fc2j", "4fd2j", "4ff2j",
                "4fg2j", "4fh2j",
            ],
            "bafyreiettyludka6fpgp33stwxfuwhkzlur6chs4d2v4nkmq2j3ogpdjem",
            "+3fx2j",
            "bafyreid2x5eqs4w4qxvc5jiwda4cien3gw2q6cshofxwnvv7iucrmfohpm",
        ),
        (
            &["3ft2j", "3fz2j"],
            "bafyreidfcktqnfmykz2ps3dbul35pepleq7kvv526g47xahuz3rqtptmky",
            "+3fx2j",
            "bafyreiavxaxdz7o7rbvr3zg2liox2yww46t7g6hkehx4i4h3lwudly7dhy",
        ),
        (
            &["3ft2j", "3fz2j", "3fx2j"],
            "bafyreiavxaxdz7o7rbvr3zg2liox2yww46t7g6hkehx4i4h3lwudly7dhy",
            "+4fd2j",
            "bafyreig4jv3vuajbsybhyvb7gggvpwh2zszwfyttjrj6qwvcsp24h6popu",
        ),
    ] {
        let paths: Vec<String> = paths.iter().map(|short| record(short)).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let mut tree = tree(&paths);
        assert_eq!(tree.root_cid().to_string(), before);
        let path = record(&change[1..]);
        if change.starts_with('+') {
            tree.insert(&path, leaf());
            assert_eq!(tree.root_cid().to_string(), after);
            tree.remove(&path);
        } else {
            tree.remove(&path);
            assert_eq!(tree.root_cid().to_string(), after);
            tree.insert(&path, leaf());
        }
        assert_eq!(tree.root_cid().to_string(), before);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProofFixture {
    comment: String,
    leaf_value: String,
    keys: Vec<String>,
    adds: Vec<String>,
    dels: Vec<String>,
    root_before_commit: String,
    root_after_commit: String,
    blocks_in_proof: BTreeSet<String>,
}

/// The commit proofs of <https://github.com/bluesky-social/atproto-interop-tests> (CC0).
#[test]
fn known_commit_proofs() {
    let fixtures: Vec<ProofFixture> =
        serde_json::from_str(include_str!("commit-proof-fixtures.json")).unwrap();
    assert_eq!(fixtures.len(), 6);
    for fixture in fixtures {
        let leaf = Cid::parse(&fixture.leaf_value).unwrap();
        let mut tree = Mst::default();
        for key in &fixture.keys {
            tree.insert(key, leaf);
        }
        assert_eq!(tree.root_cid().to_string(), fixture.root_before_commit);
        for key in &fixture.adds {
            tree.insert(key, leaf);
        }
        for key in &fixture.dels {
            assert_eq!(tree.remove(key), Some(leaf));
        }
        let mut touched: Vec<&str> = fixture
            .adds
            .iter()
            .chain(&fixture.dels)
            .map(|key| &**key)
            .collect();
        touched.sort_unstable();
        let mut blocks = Vec::new();
        tree.proof(&touched, &mut blocks);
        assert_eq!(
            tree.root_cid().to_string(),
            fixture.root_after_commit,
            "{}",
            fixture.comment
        );
        let proof: BTreeSet<String> = blocks.iter().map(|(cid, _)| cid.to_string()).collect();
        assert_eq!(proof, fixture.blocks_in_proof, "{}", fixture.comment);
    }
}

/// Builds a tree from its sorted records by the definition of its shape, with none of the code under test except
/// [`layer_of`]. Returns the root's CID; puts the CIDs of all nodes into `nodes`.
fn naive_root(records: &BTreeMap<String, Cid>, nodes: &mut BTreeSet<Cid>) -> Cid {
    let all: Vec<(&str, Cid)> = records.iter().map(|(path, cid)| (&**path, *cid)).collect();
    let top = all
        .iter()
        .map(|(path, _)| layer_of(path))
        .max()
        .unwrap_or(0);
    naive_node(&all, top, nodes)
}

fn naive_node(records: &[(&str, Cid)], layer: u32, nodes: &mut BTreeSet<Cid>) -> Cid {
    let link = |cid: Cid| Ipld::Link(::cid::Cid::try_from(&cid.to_bytes()[..]).unwrap());
    let mut child = |records: &[(&str, Cid)]| match records {
        [] => Ipld::Null,
        some => link(naive_node(some, layer - 1, nodes)),
    };
    let own: Vec<usize> = (0..records.len())
        .filter(|index| layer_of(records[*index].0) == layer)
        .collect();
    let left = child(&records[..own.first().copied().unwrap_or(records.len())]);
    let mut before = "";
    let mut entries = Vec::new();
    for (nth, index) in own.iter().enumerate() {
        let (path, value) = records[*index];
        let shared = (0..path.len().min(before.len()))
            .take_while(|at| path.as_bytes()[*at] == before.as_bytes()[*at])
            .count();
        let end = own.get(nth + 1).copied().unwrap_or(records.len());
        entries.push(Ipld::Map(BTreeMap::from([
            ("p".to_owned(), Ipld::Integer(shared as i128)),
            (
                "k".to_owned(),
                Ipld::Bytes(path.as_bytes()[shared..].to_vec()),
            ),
            ("v".to_owned(), link(value)),
            ("t".to_owned(), child(&records[index + 1..end])),
        ])));
        before = path;
    }
    let node = Ipld::Map(BTreeMap::from([
        ("l".to_owned(), left),
        ("e".to_owned(), Ipld::List(entries)),
    ]));
    let cid = Cid::of_dag_cbor(&serde_ipld_dagcbor::to_vec(&node).unwrap());
    nodes.insert(cid);
    cid
}

/// Paths of a small universe, so that deletes and updates hit; some live on high layers.
fn path() -> impl Strategy<Value = String> {
    (0..120u32, 0..3usize).prop_map(|(key, collection)| {
        format!(
            "{}/{key}",
            ["a.b.c", "app.bsky.feed.like", "z.y.x"][collection]
        )
    })
}

proptest! {
    #[test]
    fn any_history_gives_the_tree_of_its_records(
        batches in prop::collection::vec(
            prop::collection::vec((path(), prop::option::of(0..3u8)), 1..8),
            1..40,
        )
    ) {
        let mut tree = Mst::default();
        let mut records = BTreeMap::new();
        let mut nodes_before = BTreeSet::new();
        naive_root(&records, &mut nodes_before);
        for batch in batches {
            for (path, value) in &batch {
                match value {
                    Some(value) => {
                        let cid = Cid::of_raw(&[*value]);
                        prop_assert_eq!(tree.insert(path, cid), records.insert(path.clone(), cid));
                    }
                    None => prop_assert_eq!(tree.remove(path), records.remove(path)),
                }
            }
            let touched: BTreeSet<&str> = batch.iter().map(|(path, _)| &**path).collect();
            let touched: Vec<&str> = touched.into_iter().collect();
            let mut blocks = Vec::new();
            tree.proof(&touched, &mut blocks);

            let mut nodes = BTreeSet::new();
            prop_assert_eq!(tree.root_cid(), naive_root(&records, &mut nodes));
            let proof: BTreeSet<Cid> = blocks.iter().map(|(cid, _)| *cid).collect();
            for (cid, block) in &blocks {
                prop_assert!(cid.matches(block));
                prop_assert!(nodes.contains(cid));
            }
            prop_assert!(nodes.difference(&nodes_before).all(|new| proof.contains(new)));
            nodes_before = nodes;
        }
    }
}
