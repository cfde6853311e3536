use super::*;

#[test]
fn every_fault_has_its_row_and_every_row_its_fault() {
    let rows = table::rows(table::PAGE).unwrap();
    let all = chosen(&Args::default(), &rows).unwrap();
    assert_eq!(all.len(), ALL.len());
    assert_eq!(all.len(), rows.len());

    let short = Args {
        short: true,
        ..Args::default()
    };
    let short = chosen(&short, &rows).unwrap();
    assert!(!short.is_empty());
    assert!(short.iter().all(|(fault, _)| !fault.mounts));

    let mut other = rows.clone();
    other[0].name = "something-else".to_owned();
    chosen(&Args::default(), &other).err().unwrap();
    chosen(&Args::default(), &rows[1..]).err().unwrap();
    let unknown = Args {
        names: vec!["something-else".to_owned()],
        ..Args::default()
    };
    chosen(&unknown, &rows).err().unwrap();
}
