//! A tree of which only some nodes are known, as the flat sequence of its keys and unknown subtrees.
//!
//! Nothing is ever split or merged here: a changed sequence is built into a tree again from the top, by the
//! definition of its shape. Where that would need a look into an unknown subtree, the proof was incomplete.

use std::collections::{BTreeMap, BTreeSet};

use cid::Cid;
use cid::multihash::Multihash;
use ipld_core::ipld::Ipld;
use sha2::{Digest, Sha256};

use super::commit::{bytes, field, link, optional_link};
use super::{Car, encoded};

#[derive(Debug, Clone)]
enum Item {
    Record { path: String, value: Cid },
    Unknown { node: Cid, layer: u32 },
}

/// The sequence.
pub(crate) struct PartialTree {
    items: Vec<Item>,
}

pub(crate) type Incomplete = String;

impl PartialTree {
    /// Reads all nodes in the CAR; returns their CIDs too.
    pub(crate) fn load(car: &Car, root: Cid) -> (Self, BTreeSet<Cid>) {
        let node = car.get(root).expect("the root node");
        let Ipld::List(entries) = field(&node, "e") else {
            panic!("no entries");
        };
        let layer = entries
            .first()
            .map_or(0, |first| layer_of(bytes(first, "k")));
        let mut tree = Self { items: Vec::new() };
        let mut nodes = BTreeSet::new();
        tree.load_node(car, root, layer, &mut nodes);
        for pair in tree.paths().windows(2) {
            assert!(pair[0] < pair[1], "{} before {}", pair[0], pair[1]);
        }
        (tree, nodes)
    }

    fn load_node(&mut self, car: &Car, cid: Cid, layer: u32, nodes: &mut BTreeSet<Cid>) {
        let Some(node) = car.get(cid) else {
            self.items.push(Item::Unknown { node: cid, layer });
            return;
        };
        nodes.insert(cid);
        if let Some(left) = optional_link(&node, "l") {
            self.load_node(car, left, layer - 1, nodes);
        }
        let Ipld::List(entries) = field(&node, "e") else {
            panic!("no entries");
        };
        let mut path = Vec::new();
        for entry in entries {
            let Ipld::Integer(shared) = field(entry, "p") else {
                panic!("no prefix length");
            };
            path.truncate(usize::try_from(*shared).unwrap());
            path.extend_from_slice(bytes(entry, "k"));
            assert_eq!(layer_of(&path), layer, "a key lives on its layer");
            self.items.push(Item::Record {
                path: String::from_utf8(path.clone()).unwrap(),
                value: link(entry, "v"),
            });
            if let Some(right) = optional_link(entry, "t") {
                self.load_node(car, right, layer - 1, nodes);
            }
        }
    }

    fn paths(&self) -> Vec<&str> {
        self.items
            .iter()
            .filter_map(|item| match item {
                Item::Record { path, .. } => Some(path.as_str()),
                Item::Unknown { .. } => None,
            })
            .collect()
    }

    /// The position of a path, or the position between two neighbors where it would be.
    fn find(&self, path: &str) -> Result<Result<usize, usize>, Incomplete> {
        let mut behind = 0;
        for (index, item) in self.items.iter().enumerate() {
            if let Item::Record { path: known, .. } = item {
                if known == path {
                    return Ok(Ok(index));
                }
                if known.as_str() < path {
                    behind = index + 1;
                }
            }
        }
        match self.items.get(behind) {
            Some(Item::Unknown { .. }) => Err(format!("{path} may be in an unknown subtree")),
            _ => Ok(Err(behind)),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Option<Cid>, Incomplete> {
        Ok(match self.find(path)? {
            Ok(at) => match &self.items[at] {
                Item::Record { value, .. } => Some(*value),
                Item::Unknown { .. } => None,
            },
            Err(_) => None,
        })
    }

    /// Adds or removes a record.
    pub(crate) fn set(&mut self, path: &str, value: Option<Cid>) -> Result<(), Incomplete> {
        let place = self.find(path)?;
        let record = value.map(|value| Item::Record {
            path: path.to_owned(),
            value,
        });
        match (place, record) {
            (Ok(at), Some(record)) => self.items[at] = record,
            (Ok(at), None) => drop(self.items.remove(at)),
            (Err(at), Some(record)) => self.items.insert(at, record),
            (Err(_), None) => return Err(format!("{path} is not there")),
        }
        Ok(())
    }

    /// The CID of the tree's root node.
    pub(crate) fn root(&self) -> Result<Cid, Incomplete> {
        let top = self
            .paths()
            .iter()
            .map(|path| layer_of(path.as_bytes()))
            .max();
        match top {
            Some(top) => build(&self.items, top),
            None if self.items.is_empty() => build(&[], 0),
            None => Err("the new root is unknown".to_owned()),
        }
    }
}

fn build(items: &[Item], layer: u32) -> Result<Cid, Incomplete> {
    if let [Item::Unknown { node, layer: own }] = items
        && *own == layer
    {
        return Ok(*node);
    }
    let mut left = Ipld::Null;
    let mut entries: Vec<BTreeMap<String, Ipld>> = Vec::new();
    let mut before = String::new();
    let mut start = 0;
    for (index, item) in items.iter().enumerate() {
        match item {
            Item::Unknown { layer: own, .. } if *own >= layer => {
                return Err(format!(
                    "an unknown subtree of layer {own} on layer {layer}"
                ));
            }
            Item::Record { path, value } if layer_of(path.as_bytes()) == layer => {
                let child = child(&items[start..index], layer)?;
                match entries.last_mut() {
                    Some(last) => drop(last.insert("t".to_owned(), child)),
                    None => left = child,
                }
                let shared = std::iter::zip(path.bytes(), before.bytes())
                    .take_while(|(a, b)| a == b)
                    .count();
                entries.push(BTreeMap::from([
                    ("p".to_owned(), Ipld::Integer(shared as i128)),
                    (
                        "k".to_owned(),
                        Ipld::Bytes(path.as_bytes()[shared..].to_vec()),
                    ),
                    ("v".to_owned(), Ipld::Link(*value)),
                ]));
                before.clone_from(path);
                start = index + 1;
            }
            _ => {}
        }
    }
    let last = child(&items[start..], layer)?;
    match entries.last_mut() {
        Some(entry) => drop(entry.insert("t".to_owned(), last)),
        None => left = last,
    }
    let node = encoded(&Ipld::Map(BTreeMap::from([
        ("l".to_owned(), left),
        (
            "e".to_owned(),
            Ipld::List(entries.into_iter().map(Ipld::Map).collect()),
        ),
    ])));
    let hash = Multihash::<64>::wrap(0x12, &Sha256::digest(&node)).unwrap();
    Ok(Cid::new_v1(0x71, hash))
}

fn child(items: &[Item], layer: u32) -> Result<Ipld, Incomplete> {
    if items.is_empty() {
        return Ok(Ipld::Null);
    }
    let below = layer.checked_sub(1).ok_or("something below layer 0")?;
    build(items, below).map(Ipld::Link)
}

fn layer_of(path: &[u8]) -> u32 {
    let digest = Sha256::digest(path);
    let bits: String = digest.iter().map(|byte| format!("{byte:08b}")).collect();
    bits.find('1').unwrap_or(256) as u32 / 2
}
