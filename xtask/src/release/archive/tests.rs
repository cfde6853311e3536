use super::*;

fn version() -> Version {
    Version {
        number: "1.0.0",
        time: "1700000000".to_owned(),
        is_dry: true,
    }
}

/// Files written in another order, at another time, with other rights.
#[test]
fn the_same_files_make_the_same_bytes() {
    let archives = [["a", "b"], ["b", "a"]].map(|names| {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("x");
        fs::create_dir(&inner).unwrap();
        for (order, name) in names.into_iter().enumerate() {
            let file = inner.join(name);
            fs::write(&file, name).unwrap();
            let age = std::time::Duration::from_secs(1_000 * order as u64);
            fs::File::open(&file)
                .unwrap()
                .set_modified(std::time::UNIX_EPOCH + age)
                .unwrap();
        }
        let archive = folder.path().join("x.tar.gz");
        of_folder(&version(), folder.path(), "x", &archive).unwrap();
        fs::read(archive).unwrap()
    });
    assert!(archives[0] == archives[1]);
}

#[test]
fn a_program_has_its_documents_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    fs::write(&program, "program").unwrap();
    of_program(
        &version(),
        &program,
        &["LICENSE-MIT"],
        "fanjet-1",
        folder.path(),
    )
    .unwrap();
    let list = Command::new("tar")
        .arg("-tzf")
        .arg(folder.path().join("fanjet-1.tar.gz"))
        .output()
        .unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert_eq!(list, "fanjet-1/\nfanjet-1/LICENSE-MIT\nfanjet-1/fanjet\n");
}
