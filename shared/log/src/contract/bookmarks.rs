//! The contract of bookmarks.

use bytes::Bytes;

use crate::{Bookmarks, LogError};

/// Two processes share bookmarks: one reads what the other has set, and the newest value wins.
pub async fn bookmarks_are_found_again(here: &dyn Bookmarks, there: &dyn Bookmarks) {
    assert_eq!(here.get("one").await.unwrap(), None);
    here.set("one", Bytes::from_static(b"1")).await.unwrap();
    here.set("two", Bytes::from_static(b"2")).await.unwrap();
    assert_eq!(there.get("one").await.unwrap().unwrap(), "1");
    there.set("one", Bytes::from_static(b"11")).await.unwrap();
    assert_eq!(here.get("one").await.unwrap().unwrap(), "11");
    assert_eq!(here.get("two").await.unwrap().unwrap(), "2");
    for wrong in ["", "a.b", "../a", &"a".repeat(65)] {
        let refused = here.get(wrong).await.unwrap_err();
        assert!(matches!(refused, LogError::Misconfigured(_)), "{wrong:?}");
        let refused = here.set(wrong, Bytes::new()).await.unwrap_err();
        assert!(matches!(refused, LogError::Misconfigured(_)), "{wrong:?}");
    }
}
