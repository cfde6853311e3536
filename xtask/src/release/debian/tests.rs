use super::*;

#[test]
fn the_newest_symbol_decides() {
    let program = b"..GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.9\0GLIBC_PRIVATE\0";
    assert_eq!(newest_symbol(program).unwrap(), "2.34");
    assert!(newest_symbol(b"static").is_none());
}

fn listed(flag: &str, package: &Path) -> String {
    let answer = Command::new("dpkg-deb").arg(flag).arg(package).output();
    String::from_utf8(answer.unwrap().stdout).unwrap()
}

/// With a small program in place of ours.
#[test]
fn a_package_has_the_program_its_unit_and_settings_and_the_same_bytes_each_time() {
    let version = Version {
        number: "1.2.3",
        time: "1700000000".to_owned(),
        is_dry: true,
    };
    let program = Path::new("/bin/true");
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let packages = folders
        .each_ref()
        .map(|folder| package(&version, program, folder.path()).unwrap());
    let files = listed("--contents", &packages[0]);
    for file in [
        "-rwxr-xr-x root/root",
        "./usr/bin/fanjet\n",
        "./usr/lib/systemd/system/fanjet@.service\n",
        "./etc/fanjet/fanjet.toml\n",
        "./usr/share/doc/fanjet/settings.md\n",
    ] {
        assert!(files.contains(file), "{file:?} is not in {files}");
    }
    let fields = listed("--field", &packages[0]);
    assert!(fields.contains("Version: 1.2.3\n"), "{fields}");
    assert!(fields.contains("Depends: libc6 (>= 2."), "{fields}");
    let [one, other] = packages.map(|package| fs::read(package).unwrap());
    assert!(one == other, "two packages differ");
}
