//! One node of the tree. A node with n entries has n + 1 gaps; gap 0 lies before the first entry.

use fanjet_event::Cid;

use crate::world::cbor;

type Child = Option<Box<Node>>;

#[derive(Debug, Default)]
pub(super) struct Node {
    first: Child,
    entries: Vec<Entry>,
    /// Known until the node or anything below it changes.
    cid: Option<Cid>,
}

#[derive(Debug)]
struct Entry {
    path: Box<str>,
    value: Cid,
    /// The gap behind this entry.
    child: Child,
}

impl Node {
    pub(super) fn with_one(path: &str, value: Cid, first: Child, child: Child) -> Self {
        Self {
            first,
            entries: vec![Entry {
                path: path.into(),
                value,
                child,
            }],
            cid: None,
        }
    }

    /// Wraps a node in nodes without entries, so that it is `layers` lower.
    pub(super) fn lift(node: Box<Self>, layers: u32) -> Box<Self> {
        (0..layers).fold(node, |node, _| {
            Box::new(Self {
                first: Some(node),
                ..Self::default()
            })
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.first.is_none()
    }

    /// The child of a node that has nothing else.
    pub(super) fn take_only_child(&mut self) -> Child {
        if self.entries.is_empty() {
            self.first.take()
        } else {
            None
        }
    }

    /// Changes the value of an existing path.
    pub(super) fn replace(&mut self, path: &str, value: Cid) -> Option<Cid> {
        let previous = match self.position(path) {
            Ok(at) => std::mem::replace(&mut self.entries[at].value, value),
            Err(gap) => self.child_mut(gap).as_mut()?.replace(path, value)?,
        };
        self.cid = None;
        Some(previous)
    }

    /// Adds a new path that is `depth` layers below this node.
    pub(super) fn insert(&mut self, path: &str, value: Cid, depth: u32) {
        self.cid = None;
        let (Ok(gap) | Err(gap)) = self.position(path);
        let child = self.child_mut(gap);
        if depth > 0 {
            match child {
                Some(child) => child.insert(path, value, depth - 1),
                None => {
                    let node = Box::new(Self::with_one(path, value, None, None));
                    *child = Some(Self::lift(node, depth - 1));
                }
            }
            return;
        }
        let (left, right) = child.take().map_or((None, None), |child| child.split(path));
        *child = left;
        self.entries.insert(
            gap,
            Entry {
                path: path.into(),
                value,
                child: right,
            },
        );
    }

    pub(super) fn remove(&mut self, path: &str) -> Option<Cid> {
        let previous = match self.position(path) {
            Ok(at) => {
                let entry = self.entries.remove(at);
                let left = self.child_mut(at);
                *left = merge(left.take(), entry.child);
                entry.value
            }
            Err(gap) => {
                let child = self.child_mut(gap);
                let previous = child.as_mut()?.remove(path)?;
                if child.as_ref().is_some_and(|child| child.is_empty()) {
                    *child = None;
                }
                previous
            }
        };
        self.cid = None;
        Some(previous)
    }

    /// Splits the node, and everything below, at a path that is not in it.
    pub(super) fn split(mut self, path: &str) -> (Child, Child) {
        let (Ok(gap) | Err(gap)) = self.position(path);
        let (left, right) = self
            .child_mut(gap)
            .take()
            .map_or((None, None), |child| child.split(path));
        let entries = self.entries.split_off(gap);
        *self.child_mut(gap) = left;
        self.cid = None;
        let behind = Self {
            first: right,
            entries,
            cid: None,
        };
        let some = |node: Self| (!node.is_empty()).then(|| Box::new(node));
        (some(self), some(behind))
    }

    pub(super) fn cid(&mut self) -> Cid {
        match self.cid {
            Some(cid) => cid,
            None => {
                let block = self.encode();
                *self.cid.insert(Cid::of_dag_cbor(&block))
            }
        }
    }

    pub(super) fn proof(&mut self, paths: &[&str], blocks: &mut Vec<(Cid, Vec<u8>)>) {
        for gap in 0..=self.entries.len() {
            let start = match gap.checked_sub(1) {
                Some(before) => paths.partition_point(|path| *path < &*self.entries[before].path),
                None => 0,
            };
            let end = match self.entries.get(gap) {
                Some(behind) => paths.partition_point(|path| *path <= &*behind.path),
                None => paths.len(),
            };
            if start < end
                && let Some(child) = self.child_mut(gap)
            {
                child.proof(&paths[start..end], blocks);
            }
        }
        let block = self.encode();
        let cid = *self.cid.get_or_insert_with(|| Cid::of_dag_cbor(&block));
        blocks.push((cid, block));
    }

    /// The node's DAG-CBOR: paths without the prefix they share with the entry before.
    fn encode(&mut self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + 112 * self.entries.len());
        cbor::map(&mut out, 2);
        cbor::text(&mut out, "e");
        cbor::array(&mut out, self.entries.len());
        let mut before: &str = "";
        for entry in &mut self.entries {
            let shared = shared_prefix(before, &entry.path);
            cbor::map(&mut out, 4);
            cbor::text(&mut out, "k");
            cbor::bytes(&mut out, &entry.path.as_bytes()[shared..]);
            cbor::text(&mut out, "p");
            cbor::unsigned(&mut out, shared as u64);
            cbor::text(&mut out, "t");
            cbor::link_or_null(&mut out, entry.child.as_mut().map(|child| child.cid()));
            cbor::text(&mut out, "v");
            cbor::link(&mut out, entry.value);
            before = &entry.path;
        }
        cbor::text(&mut out, "l");
        cbor::link_or_null(&mut out, self.first.as_mut().map(|child| child.cid()));
        out
    }

    fn position(&self, path: &str) -> Result<usize, usize> {
        self.entries
            .binary_search_by(|entry| (*entry.path).cmp(path))
    }

    fn child_mut(&mut self, gap: usize) -> &mut Child {
        match gap.checked_sub(1) {
            Some(before) => &mut self.entries[before].child,
            None => &mut self.first,
        }
    }
}

/// Joins two neighbors of one layer after the entry between them was removed.
fn merge(left: Child, right: Child) -> Child {
    let (mut left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (one, None) | (None, one) => return one,
    };
    let last = left.entries.len();
    let seam = left.child_mut(last);
    *seam = merge(seam.take(), right.first);
    left.entries.extend(right.entries);
    left.cid = None;
    Some(left)
}

fn shared_prefix(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()
}
