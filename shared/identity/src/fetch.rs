//! One answer over HTTP, of bounded size.

use fanjet_did_web::NoAnswer as NoNames;
use reqwest::{Client, StatusCode};
use thiserror::Error;
use url::Url;

/// Nobody answered as they should. Asking later can help.
#[derive(Debug, Error)]
pub enum NoAnswer {
    /// No connection, or it broke.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// No name server.
    #[error(transparent)]
    Names(#[from] NoNames),
    /// Neither what was asked for nor a plain no.
    #[error("the answer is {0}")]
    Status(StatusCode),
    /// Not in time.
    #[error("no answer in time")]
    Timeout,
    /// The look-up crashed: a defect of this program.
    #[error("the look-up crashed")]
    Crashed,
}

/// Gets what is at a URL, up to so many bytes; `None` when there is nothing, or more than that.
///
/// # Errors
/// [`NoAnswer`].
pub async fn fetch(client: &Client, url: Url, most: usize) -> Result<Option<Vec<u8>>, NoAnswer> {
    let mut response = client.get(url).send().await?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
        status => return Err(NoAnswer::Status(status)),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// Reads a URL that others can be below: `https://HOST`, perhaps with a path, and nothing behind it.
pub fn base_url(text: &str) -> Option<Url> {
    let is_base = |url: &Url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none()
    };
    Url::parse(text).ok().filter(is_base)
}

/// `<base>/<path>`.
pub fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}
