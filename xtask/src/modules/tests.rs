use std::fs;

use super::*;

/// The complaints about a crate with these files.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    check_crate(&folder.path().join("lib.rs"), folder.path(), &mut 0).unwrap()
}

#[test]
fn the_workspace_keeps_the_rule() {
    check(&[]).unwrap();
}

#[test]
fn a_circle_names_every_import_of_it() {
    let said = said(&[
        ("lib.rs", "mod low;\nmod high;\n"),
        (
            "low.rs",
            "//! Low.\nuse crate::high::High;\npub struct Low(High);\n",
        ),
        ("high.rs", "use super::low;\npub struct High(low::Low);\n"),
    ]);
    assert_eq!(
        said,
        [
            "circle: low.rs:2: crate::low imports crate::high; high.rs:1: crate::high imports crate::low",
            "upward: low.rs:2: crate::low imports crate::high; but lib.rs declares low before high",
            "order: lib.rs has no valid order: circle among low, high",
        ]
    );
}

#[test]
fn an_import_from_a_later_module_is_upward() {
    let said = said(&[(
        "lib.rs",
        "mod reads {\n    use crate::wire::Frame;\n}\nmod wire { pub struct Frame; }\n",
    )]);
    assert_eq!(
        said,
        [
            "upward: lib.rs:2: crate::reads imports crate::wire; but lib.rs declares reads before wire",
            "order: lib.rs may declare wire, reads",
        ]
    );
}

#[test]
fn a_room_counts_whole_even_where_no_file_is_in_a_circle() {
    let said = said(&[
        ("lib.rs", "mod log;\nmod tail;\n"),
        ("log.rs", "mod entry;\nmod read;\n"),
        ("log/entry.rs", "pub(crate) struct Entry;\n"),
        (
            "log/read.rs",
            "fn f() -> crate::tail::pool::Pool { crate::tail::pool::Pool }\n",
        ),
        ("tail.rs", "pub(crate) mod pool;\nmod ring;\n"),
        ("tail/pool.rs", "pub(crate) struct Pool;\n"),
        ("tail/ring.rs", "use crate::log::entry::Entry;\n"),
    ]);
    assert_eq!(
        said,
        [
            "upward: log/read.rs:1: crate::log::read imports crate::tail::pool; but lib.rs declares log before tail",
            "order: lib.rs has no valid order: circle among log, tail",
        ]
    );
}

#[test]
fn a_parent_and_a_child_that_use_each_other_are_a_circle() {
    let said = said(&[
        ("lib.rs", "mod log;\n"),
        (
            "log.rs",
            "mod follow;\nuse follow::Follow;\npub struct Inner;\npub struct Log(Follow);\n",
        ),
        (
            "log/follow.rs",
            "use super::{Inner as Shared};\npub struct Follow(Shared);\n",
        ),
    ]);
    assert_eq!(
        said,
        [
            "circle: log.rs:2: crate::log imports crate::log::follow; log/follow.rs:1: crate::log::follow imports crate::log"
        ]
    );
}

#[test]
fn a_re_export_counts_where_the_item_is_written() {
    let lib = ("lib.rs", "mod a;\nmod b;\npub use b::deep::Thing;\n");
    let b = ("b.rs", "pub mod deep;\npub(crate) use deep::*;\n");
    let deep = ("b/deep.rs", "pub struct Thing;\n");
    let upward = |line: &str| {
        [
            format!("upward: a.rs:1: crate::a imports {line}; but lib.rs declares a before b"),
            "order: lib.rs may declare b, a".to_owned(),
        ]
    };
    for import in [
        "use crate::Thing;",
        "use crate::b::Thing;",
        "use super::Thing as T;",
    ] {
        let said = said(&[lib, ("a.rs", import), b, deep]);
        assert_eq!(said, upward("crate::b::deep"), "{import}");
    }
    let glob = said(&[lib, ("a.rs", "use crate::b::*;"), b, deep]);
    assert_eq!(glob, upward("crate::b"));
}

#[test]
fn a_facade_may_hand_out_what_its_children_build_on_each_other() {
    let said = said(&[
        (
            "lib.rs",
            "mod wire;\nmod hub;\n\npub use hub::Hub;\nfn main() { hub::run(); }\n",
        ),
        (
            "wire.rs",
            "mod frame;\nmod head;\npub(crate) use frame::Frame;\npub(crate) use head::Head;\n",
        ),
        ("wire/frame.rs", "pub(crate) struct Frame;\n"),
        (
            "wire/head.rs",
            "use super::Frame;\npub(crate) struct Head(Frame);\n",
        ),
        (
            "hub.rs",
            "use crate::wire::{self, Frame, Head};\nuse std::fmt;\nuse ::wire::X;\npub struct Hub(Frame, Head, wire::Frame, fmt::Error);\n",
        ),
    ]);
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn tests_comments_and_texts_import_nothing() {
    let said = said(&[
        ("lib.rs", "mod a;\nmod b;\n"),
        (
            "a.rs",
            r#"
// use crate::b::B;
/* crate::b::B */
#[cfg(test)]
use crate::b::{B, C};
const TEXT: &str = "crate::b::B";
struct S { #[cfg(test)] seen: crate::b::B, own: u8 }
#[cfg(any(test, feature = "probe"))]
pub(crate) fn probe() -> [u8; 2] { crate::b::B; [0; 2] }
#[cfg(test)]
#[allow(unused)]
const fn two() -> u8 { crate::b::C }
#[cfg(test)]
mod tests { use crate::b::B; }
"#,
        ),
        ("b.rs", "use crate::a;\npub struct B;\n"),
    ]);
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn what_stands_behind_left_out_tests_still_counts() {
    for code in [
        "#[cfg(test)]\nuse crate::b::B;\nuse crate::b::C;",
        "struct S { #[cfg(test)] seen: u8, own: crate::b::B }",
        "#[cfg(test)]\nmod tests;\n#[cfg(not(test))]\nuse crate::b::C;",
        "macro_rules! m { () => { $crate::b::B } }",
        "fn f() { let _ = vec![crate::b::B]; }",
        "use super::b; fn f() { b::g::<u8>(); }",
    ] {
        let said = said(&[("lib.rs", "mod a;\nmod b;\n"), ("a.rs", code), ("b.rs", "")]);
        assert_eq!(said.len(), 2, "{code}: {said:?}");
    }
}

#[test]
fn a_module_without_a_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lib = folder.path().join("lib.rs");
    fs::write(&lib, "mod gone;\n").unwrap();
    let error = check_crate(&lib, folder.path(), &mut 0).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("no file for `mod gone`"), "{error}");
}
