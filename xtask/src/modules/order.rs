//! Forbidden imports: circles and upward imports.

use std::collections::{BTreeMap, VecDeque};

use super::imports::Import;
use super::tree::Tree;

/// One shortest circle of each strongly connected set of modules.
pub(super) fn circles(tree: &Tree, imports: &[Import]) -> Vec<String> {
    let mut knotted: Vec<usize> = Vec::new();
    let mut complaints = Vec::new();
    for module in 0..tree.modules.len() {
        if knotted.contains(&module) {
            continue;
        }
        let Some(circle) = way(imports, module, module) else {
            continue;
        };
        let knot = (0..tree.modules.len()).filter(|other| {
            way(imports, module, *other).is_some() && way(imports, *other, module).is_some()
        });
        knotted.extend(knot);
        let steps: Vec<_> = circle.iter().map(|import| show(tree, import)).collect();
        complaints.push(format!("circle: {}", steps.join("; ")));
    }
    complaints
}

/// A shortest chain of imports from one module to another, with at least one import.
fn way(imports: &[Import], from: usize, to: usize) -> Option<Vec<Import>> {
    let mut reached: BTreeMap<usize, Import> = BTreeMap::new();
    let mut next = VecDeque::from([from]);
    while let Some(at) = next.pop_front() {
        for import in imports.iter().filter(|import| import.from == at) {
            if reached.contains_key(&import.to) {
                continue;
            }
            reached.insert(import.to, *import);
            if import.to == to {
                let mut back = vec![*import];
                while back[0].from != from {
                    back.insert(0, reached[&back[0].from]);
                }
                return Some(back);
            }
            next.push_back(import.to);
        }
    }
    None
}

/// Imports from a module that is declared later, in the file that declares both branches; and a valid order.
pub(super) fn upward(tree: &Tree, imports: &[Import]) -> Vec<String> {
    let mut complaints = Vec::new();
    for parent in 0..tree.modules.len() {
        let file = &tree.modules[parent].file;
        let children: Vec<_> = tree.modules[parent].children.iter().collect();
        let between: Vec<_> = imports
            .iter()
            .filter_map(|import| {
                let (above, from, to) = branches(tree, import)?;
                let place = |branch| children.iter().position(|child| child.module == branch);
                (above == parent).then_some((place(from)?, place(to)?, import))
            })
            .collect();
        let before = complaints.len();
        complaints.extend(between.iter().filter(|(from, to, _)| to > from).map(
            |(from, to, import)| {
                let (from, to) = (&children[*from].name, &children[*to].name);
                let shown = show(tree, import);
                format!("upward: {shown}; but {file} declares {from} before {to}")
            },
        ));
        if complaints.len() > before {
            let edges: Vec<_> = between.iter().map(|(from, to, _)| (*from, *to)).collect();
            let (ordered, knotted) = sorted(children.len(), &edges);
            let names = |places: Vec<usize>| {
                let names: Vec<_> = places
                    .into_iter()
                    .map(|at| children[at].name.as_str())
                    .collect();
                names.join(", ")
            };
            complaints.push(if knotted.is_empty() {
                format!("order: {file} may declare {}", names(ordered))
            } else {
                let knotted = names(knotted);
                format!("order: {file} has no valid order: circle among {knotted}")
            });
        }
    }
    complaints
}

/// A topological order as close to the current one as possible, and the modules that a circle leaves over.
fn sorted(count: usize, needs: &[(usize, usize)]) -> (Vec<usize>, Vec<usize>) {
    let mut left: Vec<_> = (0..count).collect();
    let mut ordered = Vec::new();
    while let Some(next) = left.iter().position(|at| {
        let mut needed = needs.iter().filter(|(from, _)| from == at);
        needed.all(|(_, to)| !left.contains(to))
    }) {
        ordered.push(left.remove(next));
    }
    // Modules that only depend on a circle are not part of it.
    while let Some(next) = left.iter().position(|at| {
        needs
            .iter()
            .all(|(from, to)| to != at || !left.contains(from))
    }) {
        left.remove(next);
    }
    (ordered, left)
}

/// The lowest common ancestor of both, and the branches below it. `None` if one is above the other.
fn branches(tree: &Tree, import: &Import) -> Option<(usize, usize, usize)> {
    let above = |module| {
        let mut path: Vec<_> = tree.with_ancestors(module).collect();
        path.reverse();
        path
    };
    let (from, to) = (above(import.from), above(import.to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    Some((from[common - 1], *from.get(common)?, *to.get(common)?))
}

fn show(tree: &Tree, import: &Import) -> String {
    let from = &tree.modules[import.from];
    let to = &tree.modules[import.to];
    format!(
        "{}:{}: {} imports {}",
        from.file, import.line, from.name, to.name
    )
}
