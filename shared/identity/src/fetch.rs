//! One HTTP response of bounded size.

use fanjet_did_web::NoAnswer as NoNames;
use reqwest::{Client, StatusCode};
use thiserror::Error;
use url::Url;

/// No valid response. Retrying later can help.
#[derive(Debug, Error)]
pub enum NoAnswer {
    /// The connection failed.
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    /// The DNS lookup failed.
    #[error(transparent)]
    Names(#[from] NoNames),
    /// An unexpected status.
    #[error("unexpected status {0}")]
    Status(StatusCode),
    /// The deadline passed.
    #[error("no response in time")]
    Timeout,
    /// The lookup panicked: a defect of this program.
    #[error("the lookup crashed")]
    Crashed,
}

/// Gets a URL, up to a size limit; `None` if there is nothing, or it is larger.
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

/// Parses a base URL: `https://HOST`, with an optional path and no query.
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
