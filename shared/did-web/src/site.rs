//! The site that a host belongs to. Pure.

/// Returns the site of a host: its last two labels, in lower case. The owner of a site can create any number of names
/// below it, in any spelling, so limits on foreign hosts apply per site.
pub fn site(host: &str) -> String {
    let mut dots = host.rmatch_indices('.').skip(1);
    let site = dots.next().map_or(host, |(dot, _)| &host[dot + 1..]);
    site.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_below_two_labels_are_one_site() {
        for (host, expected) in [
            ("example.com", "example.com"),
            ("a.example.com", "example.com"),
            ("a.b.EXAMPLE.cOm", "example.com"),
            ("localhost", "localhost"),
            ("", ""),
        ] {
            assert_eq!(site(host), expected, "{host:?}");
        }
    }
}
