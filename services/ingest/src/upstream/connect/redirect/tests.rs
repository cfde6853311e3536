use super::*;

const PATH: &str = "/xrpc/com.atproto.sync.subscribeRepos";

fn redirects(scheme: &str) -> Redirects {
    Redirects::from(Url::parse(&format!("{scheme}://relay.example{PATH}")).unwrap())
}

fn followed(scheme: &str, status: u16, location: &str) -> Result<String, String> {
    let mut redirects = redirects(scheme);
    redirects.follow(status, Some(location))?;
    Ok(redirects.url().to_string())
}

#[test]
fn a_redirect_is_followed_wherever_it_may_lead() {
    for status in [301, 302, 307, 308] {
        let to = followed("wss", status, "https://other.example/there").unwrap();
        assert_eq!(to, "wss://other.example/there");
    }
    for (scheme, location, to) in [
        (
            "wss",
            "wss://o.example/x?cursor=7&a=b",
            "wss://o.example/x?a=b",
        ),
        ("wss", "/there?cursor=7", "wss://relay.example/there"),
        ("ws", "http://o.example:81/x#y", "ws://o.example:81/x"),
        ("ws", "https://o.example/x", "wss://o.example/x"),
        (
            "wss",
            "//[2001:db8::1]:8443/x",
            "wss://[2001:db8::1]:8443/x",
        ),
    ] {
        assert_eq!(followed(scheme, 308, location).unwrap(), to);
    }
}

#[test]
fn what_must_not_be_followed_is_an_error_that_says_why() {
    for (status, location, part) in [
        (303, "https://o.example", "HTTP status 303"),
        (200, "https://o.example", "HTTP status 200"),
        (503, "", "HTTP status 503"),
        (301, "http://o.example/x", "gives up encryption"),
        (301, "ws://o.example/x", "gives up encryption"),
        (301, "ftp://o.example/x", "\"ftp\""),
        (301, "https://", "empty host"),
    ] {
        let why = followed("wss", status, location).unwrap_err();
        assert!(why.contains(part), "{why}");
    }
    let why = redirects("wss").follow(302, None).unwrap_err();
    assert!(why.contains("without a location"), "{why}");
}

#[test]
fn redirects_come_to_an_end() {
    let mut redirects = redirects("wss");
    for _ in 0..MOST {
        redirects.follow(307, Some("/again")).unwrap();
    }
    assert!(redirects.is_any());
    let why = redirects.follow(307, Some("/again")).unwrap_err();
    assert!(why.contains("more than 5 redirects"), "{why}");
}

#[test]
fn the_cursor_is_ours() {
    let url = Url::parse("wss://o.example/x?a=b").unwrap();
    assert_eq!(
        with_cursor(&url, Some(7)).as_str(),
        "wss://o.example/x?a=b&cursor=7"
    );
    assert_eq!(with_cursor(&url, None), url);
}
