use super::bounds_of;

#[test]
fn bounds_are_known_by_their_names() {
    let settings = "[edge.http]\n# Most.\n# Allowed: 1 to 9.\nmax_things = 3\n# Where.\nlisten = \"x\"\n[kafka.enrich]\n# How many.\n# Allowed: 1 to 9.\nlookups_per_second = 5\n";
    assert_eq!(
        bounds_of(settings).unwrap(),
        ["edge.http.max_things", "kafka.enrich.lookups_per_second"]
    );
}
