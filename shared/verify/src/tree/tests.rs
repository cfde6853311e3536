use super::keys::{Keys, layer_of};
use super::*;

#[test]
fn layers_are_those_of_the_specification() {
    // The examples of the repository specification.
    for (key, layer) in [
        ("2653ae71", 0),
        ("blue", 1),
        ("app.bsky.feed.post/454397e440ec", 4),
        ("app.bsky.feed.post/9adeb165882c", 8),
    ] {
        assert_eq!(layer_of(key.as_bytes()), layer, "{key}");
    }
}

#[test]
fn roots_are_those_of_other_implementations() {
    // The interoperability test vectors of ATProto: every record has this CID.
    let value = Cid::parse("bafyreie5cvv4h45feadgeuwhbcutmh6t2ceseocckahdoe6uat64zmz454").unwrap();
    for (records, root) in [
        (
            &[][..],
            "bafyreie5737gdxlw5i64vzichcalba3z2v5n6icifvx5xytvske7mr3hpm",
        ),
        (
            &["com.example.record/3jqfcqzm3fo2j"],
            "bafyreibj4lsc3aqnrvphp5xmrnfoorvru4wynt6lwidqbm2623a6tatzdu",
        ),
        (
            &["com.example.record/3jqfcqzm3fx2j"],
            "bafyreih7wfei65pxzhauoibu3ls7jgmkju4bspy4t2ha2qdjnzqvoy33ai",
        ),
        (
            &[
                "com.example.record/3jqfcqzm3fp2j",
                "com.example.record/3jqfcqzm3fr2j",
                "com.example.record/3jqfcqzm3fs2j",
                "com.example.record/3jqfcqzm3ft2j",
                "com.example.record/3jqfcqzm4fc2j",
            ],
            "bafyreicmahysq4n6wfuxo522m6dpiy7z7qzym3dzs756t5n7nfdgccwq7m",
        ),
    ] {
        let mut keys = Keys::default();
        let mut builder = build::Builder::default();
        for path in records {
            let key = keys.add(None, path.as_bytes()).unwrap();
            let layer = layer_of(path.as_bytes());
            builder.record(&keys, key, value, layer).unwrap();
        }
        assert_eq!(builder.finish(&keys).unwrap().to_string(), root);
    }
}
