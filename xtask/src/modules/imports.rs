//! Which module names an item of which other: every path followed to the module where its item is written.

use super::tree::{Tree, Use};

/// A module that names an item of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Import {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
}

/// All imports but those of the crate's root, and but what a module re-exports of the modules below it.
pub(super) fn all(tree: &Tree) -> Vec<Import> {
    let mut imports: Vec<Import> = Vec::new();
    for (from, module) in tree.modules.iter().enumerate().skip(1) {
        let uses = module.uses.iter().filter_map(|used| {
            let to = module_of(tree, from, &used.path)?;
            let is_facade = used.is_public && tree.with_ancestors(to).any(|above| above == from);
            (!is_facade).then_some((to, used.line))
        });
        let mentions = module.mentions.iter().filter_map(|mention| {
            let to = module_of(tree, from, &mention.path)?;
            Some((to, mention.line))
        });
        for (to, line) in uses.chain(mentions) {
            let is_known = imports
                .iter()
                .rev()
                .take_while(|import| import.from == from)
                .any(|import| import.to == to);
            if to != from && !is_known {
                imports.push(Import { from, to, line });
            }
        }
    }
    imports
}

/// The module in which what a path means is written; none when it is foreign.
fn module_of(tree: &Tree, from: usize, path: &[String]) -> Option<usize> {
    match resolve(tree, from, path, &mut Vec::new())? {
        Target::Module(module) | Target::ItemOf(module) => Some(module),
    }
}

#[derive(Clone, Copy)]
enum Target {
    Module(usize),
    ItemOf(usize),
}

/// `under_way` holds the names that are being looked up: a name may stand for itself.
fn resolve<'a>(
    tree: &'a Tree,
    from: usize,
    path: &'a [String],
    under_way: &mut Vec<(usize, &'a str)>,
) -> Option<Target> {
    let mut at = from;
    let mut is_first = true;
    for name in path {
        match name.as_str() {
            "crate" => at = 0,
            "self" => {}
            "super" => at = tree.modules[at].parent?,
            name => match step(tree, at, name, is_first, under_way)? {
                Target::Module(module) => at = module,
                item @ Target::ItemOf(_) => return Some(item),
            },
        }
        is_first = false;
    }
    Some(Target::Module(at))
}

/// What a name means in a module. The first name of a path may as well be a foreign crate.
fn step<'a>(
    tree: &'a Tree,
    module: usize,
    name: &'a str,
    is_first: bool,
    under_way: &mut Vec<(usize, &'a str)>,
) -> Option<Target> {
    if let Some(child) = tree.child(module, name) {
        return Some(Target::Module(child));
    }
    let here = &tree.modules[module];
    if here.items.contains(name) {
        return Some(Target::ItemOf(module));
    }
    if under_way.contains(&(module, name)) {
        return None;
    }
    under_way.push((module, name));
    let found = named(tree, module, name, &here.uses, under_way);
    under_way.pop();
    match found {
        Some(target) => target,
        None if is_first => None,
        // Made by a macro.
        None => Some(Target::ItemOf(module)),
    }
}

/// What the `use` lines say about a name; none when they do not have it.
fn named<'a>(
    tree: &'a Tree,
    module: usize,
    name: &'a str,
    uses: &'a [Use],
    under_way: &mut Vec<(usize, &'a str)>,
) -> Option<Option<Target>> {
    if let Some(used) = uses.iter().find(|used| used.name == name) {
        return Some(resolve(tree, module, &used.path, under_way));
    }
    for glob in uses.iter().filter(|used| used.name == "*") {
        let Some(Target::Module(source)) = resolve(tree, module, &glob.path, under_way) else {
            continue;
        };
        let there = &tree.modules[source];
        let has = there.items.contains(name)
            || tree.child(source, name).is_some()
            || there.uses.iter().any(|used| used.name == name);
        if has {
            return Some(step(tree, source, name, false, under_way));
        }
    }
    None
}
