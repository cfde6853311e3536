//! Where an upstream redirects to. Pure.

use url::Url;

/// The maximum number of consecutive redirects.
const MOST: u32 = 5;
const CURSOR: &str = "cursor";

/// The redirects of one handshake.
#[derive(Debug)]
pub(super) struct Redirects {
    url: Url,
    count: u32,
}

impl Redirects {
    /// No redirects yet.
    pub(super) fn from(url: Url) -> Self {
        Self { url, count: 0 }
    }

    /// The URL to connect to now, without a cursor.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn is_any(&self) -> bool {
        self.count > 0
    }

    /// Processes a response that is not a WebSocket upgrade.
    ///
    /// # Errors
    /// If it is not a redirect, or one that must not be followed, a reason for the log.
    pub(super) fn follow(&mut self, status: u16, location: Option<&str>) -> Result<(), String> {
        if !matches!(status, 301 | 302 | 307 | 308) {
            return Err(format!("HTTP status {status}"));
        }
        let location =
            location.ok_or_else(|| format!("a redirect ({status}) without a location"))?;
        if self.count == MOST {
            return Err(format!(
                "more than {MOST} redirects in a row, the last one to {location:?}"
            ));
        }
        self.url = target(&self.url, location)?;
        self.count += 1;
        Ok(())
    }
}

/// A URL with our cursor, and no other one.
pub(super) fn with_cursor(url: &Url, cursor: Option<u64>) -> Url {
    let mut url = url.clone();
    if let Some(cursor) = cursor {
        url.query_pairs_mut()
            .append_pair(CURSOR, &cursor.to_string());
    }
    url
}

fn target(from: &Url, location: &str) -> Result<Url, String> {
    let refused = |why: &str| format!("a redirect from {from} to {location:?}, {why}");
    let mut to = from
        .join(location)
        .map_err(|error| refused(&error.to_string()))?;
    let scheme = match to.scheme() {
        "wss" | "https" => "wss",
        "ws" | "http" => "ws",
        other => return Err(refused(&format!("whose scheme is {other:?}"))),
    };
    if from.scheme() == "wss" && scheme == "ws" {
        return Err(refused("which gives up encryption: it is not followed"));
    }
    if !to.has_host() {
        return Err(refused("which has no host"));
    }
    to.set_scheme(scheme)
        .map_err(|()| refused("whose scheme cannot be changed"))?;
    to.set_fragment(None);
    forget_cursor(&mut to);
    Ok(to)
}

/// The location may repeat the cursor of the request. The resume position is ours to set.
fn forget_cursor(url: &mut Url) {
    let kept: Vec<_> = url
        .query_pairs()
        .filter(|(name, _)| name != CURSOR)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
}

#[cfg(test)]
mod tests;
