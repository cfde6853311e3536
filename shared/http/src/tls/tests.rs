use super::*;

const PEMS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../services/edge/tests/it/tls"
);

fn install(folder: &Path, which: &str, suffix: &str) {
    fs::copy(format!("{PEMS}/{which}.{suffix}"), folder.join(suffix)).unwrap();
}

/// A half-finished renewal, or a broken file, must not affect the certificate in use.
#[test]
fn what_cannot_be_used_is_an_error_once_and_changes_nothing() {
    let folder = std::env::temp_dir().join(format!("fanjet-http-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (pem, key) = (folder.join("pem"), folder.join("key"));
    install(&folder, "one", "pem");
    install(&folder, "one", "key");
    let tls = Tls::load(&pem, &key).unwrap();
    let first = Arc::clone(&tls.current.lock().config);
    let is_first = || Arc::ptr_eq(&first, &tls.current.lock().config);
    assert!(!tls.reload().unwrap());
    install(&folder, "two", "pem");
    assert!(
        tls.reload().unwrap_err().is_key,
        "the key is still the old one"
    );
    assert!(!tls.reload().unwrap(), "it was said");
    assert!(is_first());
    fs::remove_file(&key).unwrap();
    assert!(tls.reload().is_err() && is_first());
    install(&folder, "two", "key");
    assert!(tls.reload().unwrap() && !is_first());
    fs::remove_dir_all(&folder).unwrap();
}
