use super::bounds_of;

#[test]
fn bounds_are_known_by_their_names_also_where_the_default_is_commented_out() {
    let settings = "[http]\n# Most of something = many.\n#max_things = 3\nlisten = \"x\"\n[kafka.enrich]\nlookups_per_second = 5\n#linger = 1\n";
    assert_eq!(
        bounds_of(settings),
        ["http.max_things", "kafka.enrich.lookups_per_second"]
    );
}
