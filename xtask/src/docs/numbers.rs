//! Each decision record has a number of its own, so that a reference to it is unambiguous.

use std::collections::BTreeMap;

use super::markdown::Pages;

const FOLDER: &str = "docs/develop/adr/";

pub(super) fn check(pages: &Pages) -> Vec<String> {
    complaints(pages.keys().filter_map(|page| page.to_str()))
}

fn complaints<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut by_number: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for record in names.filter_map(|name| name.strip_prefix(FOLDER)) {
        let number = record.split('-').next().unwrap_or(record);
        by_number.entry(number).or_default().push(record);
    }
    let shared = by_number
        .into_iter()
        .filter(|(_, records)| records.len() > 1);
    shared
        .map(|(number, records)| {
            format!(
                "{FOLDER}: number {number} is used by {}",
                records.join(" and ")
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::complaints;

    #[test]
    fn a_number_that_is_used_twice_is_found() {
        let names = [
            "docs/develop/adr/0001-a.md",
            "docs/develop/adr/0002-b.md",
            "docs/use/0002-c.md",
        ];
        assert!(complaints(names.into_iter()).is_empty());
        let found = complaints(names.into_iter().chain(["docs/develop/adr/0002-d.md"]));
        assert_eq!(
            found,
            ["docs/develop/adr/: number 0002 is used by 0002-b.md and 0002-d.md"]
        );
    }
}
