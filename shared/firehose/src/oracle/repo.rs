//! Repos: the whole tree of some records, and a plain search in a partial one.

use fanjet_event::{Cid, Codec};

use super::build::{self, Node};
use super::frame::{Blocks, SlowFrame};
use super::value::Value;

/// A block under its CID.
pub type Block = (Cid, Vec<u8>);

/// The nodes of the tree of `records`, which are sorted by path and have each path once; the root comes last.
pub fn tree(records: &[(String, Cid)]) -> Vec<Block> {
    let top = records.iter().map(|(path, _)| layer_of(path)).max();
    let mut nodes = Vec::new();
    node(records, top.unwrap_or_default(), &mut nodes);
    nodes
}

/// Adds the node of a layer with all `records`, children first, and returns its CID.
fn node(records: &[(String, Cid)], layer: u32, nodes: &mut Vec<Block>) -> Cid {
    let mut rest = records;
    let child = |rest: &mut &[(String, Cid)], nodes: &mut Vec<Block>| {
        let below = rest.iter().take_while(|(path, _)| layer_of(path) < layer);
        let (below, behind) = rest.split_at(below.count());
        *rest = behind;
        if below.is_empty() {
            return Node::Null;
        }
        Node::link(node(below, layer - 1, nodes))
    };
    let left = child(&mut rest, nodes);
    let (mut entries, mut before) = (Vec::new(), "");
    while let Some(((path, value), behind)) = rest.split_first() {
        rest = behind;
        let shared = std::iter::zip(before.bytes(), path.bytes())
            .take_while(|(a, b)| a == b)
            .count();
        entries.push(Node::map([
            ("k", Node::Bytes(path.as_bytes()[shared..].to_vec())),
            ("p", Node::Unsigned(shared as u64)),
            ("t", child(&mut rest, nodes)),
            ("v", Node::link(*value)),
        ]));
        before = path;
    }
    let block = Node::map([("e", Node::List(entries)), ("l", left)]).encode();
    let cid = Cid::of_dag_cbor(&block);
    nodes.push((cid, block));
    cid
}

/// Leading zero bit pairs of a path's SHA-256.
fn layer_of(path: &str) -> u32 {
    let digest = &Cid::of_raw(path.as_bytes()).to_bytes()[4..];
    let zeros = digest.iter().take_while(|byte| **byte == 0).count();
    let rest = digest.get(zeros).map_or(0, |byte| byte.leading_zeros());
    (zeros as u32 * 8 + rest) / 2
}

/// Keeps only the nodes on the way to some paths.
pub fn keep_ways(nodes: &mut Vec<Block>, root: Cid, paths: &[&str]) {
    let mut kept = std::collections::HashSet::new();
    let by_cid: std::collections::HashMap<Cid, Vec<u8>> = nodes.iter().cloned().collect();
    for path in paths {
        let mut at = Some(root);
        while let Some(cid) = at {
            kept.insert(cid);
            let node = by_cid.get(&cid).and_then(|block| read_node(block));
            let Some((mut child, entries)) = node else {
                break;
            };
            for (key, _, right) in entries {
                if &key[..] > path.as_bytes() {
                    break;
                }
                child = right;
            }
            at = child.as_deref().and_then(Cid::from_bytes);
        }
    }
    nodes.retain(|(cid, _)| kept.contains(cid));
}

/// A commit object for a tree, as in [`build::commit_body`]; its signature is invalid.
pub fn commit_object(data: Cid) -> Block {
    let object = Node::map([
        ("did", Node::text(build::REPO)),
        ("rev", Node::text(build::REV)),
        ("sig", Node::Bytes(vec![7; 64])),
        ("data", Node::link(data)),
        ("prev", Node::Null),
        ("version", Node::Unsigned(3)),
    ]);
    let block = object.encode();
    (Cid::of_dag_cbor(&block), block)
}

/// A frame with these operations and blocks; the first block is the commit object.
pub fn commit_frame(ops: Vec<Node>, blocks: &[Block]) -> Vec<u8> {
    let root = blocks
        .first()
        .map_or(Cid::of_dag_cbor(b""), |(cid, _)| *cid);
    let blocks: Vec<_> = blocks
        .iter()
        .map(|(cid, block)| (cid.to_bytes(), block.as_slice()))
        .collect();
    let car = build::car_of(root, blocks.iter().map(|(cid, block)| (&cid[..], *block)));
    build::frame("#commit", &build::commit_body_of(root, ops, car))
}

/// What is under a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Record(Option<Cid>),
    Absent,
    Unknown,
    Invalid,
}

/// The result of each claim of a path and its record, searched one by one; an error's label if it is rejected. `None`
/// if the tree contains a node twice, which the fast one detects only on its way.
///
/// # Errors
/// A label, when the frame does not contain its signed commit.
pub(super) fn prove(
    frame: &SlowFrame,
    root: Option<Cid>,
    blocks: &Blocks,
    claims: &[(String, Option<Cid>)],
) -> Result<Option<Vec<Result<(), &'static str>>>, ()> {
    let field = |name: &str| {
        let mut fields = frame.fields.iter();
        fields.find_map(|(have, value)| (*have == name).then_some(value.as_str()))
    };
    let root = root
        .filter(|root| root.codec() == Codec::DagCbor)
        .ok_or(())?;
    if field("commit").is_some_and(|commit| commit != root.to_string()) {
        return Err(());
    }
    let block = block(blocks, root).ok_or(())?.ok_or(())?;
    let Some(Value::Map(object)) = strict(&block) else {
        return Err(());
    };
    let get = |name: &str| {
        let mut values = object.iter().filter(|(key, _)| key == name);
        let first = values.next().map(|(_, value)| value);
        values.next().map_or(Ok(first), |_| Err(()))
    };
    let text = |name: &str| match get(name)? {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(()),
    };
    let (did, rev) = (text("did")?, text("rev")?);
    let is_known = match get("version")? {
        Some(Value::Integer(2)) => true,
        Some(Value::Integer(3)) => rev.is_some(),
        _ => false,
    };
    let Some(Value::Link(data)) = get("data")? else {
        return Err(());
    };
    let data = Cid::from_bytes(data).ok_or(())?;
    if !is_known || did != field("repo") || (rev.is_some() && rev != field("rev")) {
        return Err(());
    }
    if has_shared_nodes(blocks) {
        return Ok(None);
    }
    let judge = |(path, record): &(String, Option<Cid>)| match (find(blocks, data, path), record) {
        (Found::Record(found), Some(record)) if found == Some(*record) => Ok(()),
        (Found::Record(_) | Found::Absent, Some(_)) => Err("not_in_tree"),
        (Found::Record(_), None) => Err("still_in_tree"),
        (Found::Unknown, Some(_)) => Err("missing_node"),
        (Found::Absent | Found::Unknown, None) => Ok(()),
        (Found::Invalid, _) => Err("invalid_node"),
    };
    Ok(Some(claims.iter().map(judge).collect()))
}

fn find(blocks: &Blocks, node: Cid, path: &str) -> Found {
    if node.codec() != Codec::DagCbor {
        return Found::Invalid;
    }
    let block = match block(blocks, node) {
        None => return Found::Unknown,
        Some(None) => return Found::Invalid,
        Some(Some(block)) => block,
    };
    let Some((left, entries)) = read_node(&block) else {
        return Found::Invalid;
    };
    let mut child = left;
    for (key, value, right) in entries {
        if key == path.as_bytes() {
            return Found::Record(Cid::from_bytes(&value));
        }
        if &key[..] > path.as_bytes() {
            break;
        }
        child = right;
    }
    match child.as_deref().map(Cid::from_bytes) {
        None => Found::Absent,
        Some(None) => Found::Invalid,
        Some(Some(child)) => find(blocks, child, path),
    }
}

/// The first block under a CID; `Some(None)` when it does not match.
fn block(blocks: &Blocks, cid: Cid) -> Option<Option<Vec<u8>>> {
    let (_, block) = blocks.iter().find(|(have, _)| have[..] == cid.to_bytes())?;
    Some(cid.matches(block).then(|| block.clone()))
}

type Entries = Vec<(Vec<u8>, Vec<u8>, Option<Vec<u8>>)>;

fn read_node(block: &[u8]) -> Option<(Option<Vec<u8>>, Entries)> {
    let mut node = fields(strict(block)?, &["e", "l"])?;
    let left = nullable_link(node.remove(1))?;
    let Some(Value::List(listed)) = node.remove(0) else {
        return None;
    };
    let (mut entries, mut before): (Entries, Vec<u8>) = (Vec::new(), Vec::new());
    for entry in listed {
        let mut entry = fields(entry, &["k", "p", "t", "v"])?;
        let Some(Value::Link(value)) = entry.remove(3) else {
            return None;
        };
        let right = nullable_link(entry.remove(2))?;
        let (Some(Value::Bytes(rest)), Some(Value::Integer(shared))) =
            (entry.remove(0), entry.remove(0))
        else {
            return None;
        };
        let shared = before.get(..usize::try_from(shared).ok()?)?;
        let key = [shared, &rest].concat();
        if key <= before || key.len() > crate::MAX_PATH {
            return None;
        }
        before.clone_from(&key);
        entries.push((key, value, right));
    }
    Some((left, entries))
}

/// The values of these keys, if the value is a map with exactly these keys.
fn fields(value: Value, keys: &[&str]) -> Option<Vec<Option<Value>>> {
    let Value::Map(entries) = value else {
        return None;
    };
    let mut values = vec![None; keys.len()];
    for (key, value) in entries {
        let at = keys.iter().position(|name| *name == key)?;
        if values[at].replace(value).is_some() {
            return None;
        }
    }
    Some(values)
}

fn nullable_link(value: Option<Value>) -> Option<Option<Vec<u8>>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::Link(cid)) => Some(Some(cid)),
        Some(_) => None,
    }
}

fn has_shared_nodes(blocks: &Blocks) -> bool {
    let mut links = Vec::new();
    for (_, block) in blocks {
        if let Some((left, entries)) = read_node(block) {
            links.extend(left);
            links.extend(entries.into_iter().filter_map(|(.., right)| right));
        }
    }
    links.sort();
    links.windows(2).any(|pair| pair[0] == pair[1])
}

/// A value in DAG-CBOR's own form.
fn strict(block: &[u8]) -> Option<Value> {
    let value: Value = serde_ipld_dagcbor::from_slice(block).ok()?;
    (value.encoded_len() == block.len()).then_some(value)
}

/// A frame that creates these records in a repo of about a thousand others, with the nodes that prove it.
pub fn creating_frame(records: &[Vec<u8>]) -> Vec<u8> {
    let others = (0..1_000u32).map(|number| {
        let path = format!("app.bsky.feed.like/3mptbyp{number:06}");
        (path, Cid::of_dag_cbor(&number.to_be_bytes()))
    });
    let created: Vec<_> = (0u32..)
        .zip(records)
        .map(|(number, record)| {
            let path = format!("app.bsky.feed.post/3mptbyp{number:06}");
            (path, Cid::of_dag_cbor(record))
        })
        .collect();
    let all: Vec<_> = others.chain(created.iter().cloned()).collect();
    let mut nodes = tree(&all);
    let data = nodes.last().map_or(Cid::of_dag_cbor(b""), |(cid, _)| *cid);
    let object = commit_object(data);
    let paths: Vec<_> = created.iter().map(|(path, _)| path.as_str()).collect();
    keep_ways(&mut nodes, data, &paths);
    let ops = created
        .iter()
        .map(|(path, cid)| build::op("create", path, Some(*cid)));
    let contents = created
        .iter()
        .zip(records)
        .map(|((_, cid), record)| (*cid, record.clone()));
    let blocks: Vec<_> = std::iter::once(object)
        .chain(nodes)
        .chain(contents)
        .collect();
    commit_frame(ops.collect(), &blocks)
}
