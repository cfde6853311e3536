//! HTTP requests to a program, each on its own connection, as operators' tools send them.

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Status and body of a GET.
pub(crate) async fn get(address: &str, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body.to_owned()))
}

/// The sum of a metric over the series with this label; 0 if there is none yet.
pub(crate) async fn metric(ops: &str, name: &str, label: &str) -> Result<f64> {
    let (_, page) = get(ops, "/metrics").await?;
    Ok(sum(&page, name, label))
}

/// A counter's name may lack its suffix, as on the page of all metrics.
fn sum(page: &str, name: &str, label: &str) -> f64 {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let rest = rest.strip_prefix("_total").unwrap_or(rest);
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_whole = labels.is_empty() || labels.starts_with('{');
        (is_whole && labels.contains(label)).then(|| value.parse::<f64>().ok())?
    });
    // The standard sum of nothing is -0, and looks like it.
    values.fold(0.0, |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_the_sum_of_its_own_series() {
        let page = "# HELP a_total What is counted\n\
                    a_total{reason=\"x\"} 2\n\
                    a_total{reason=\"y\"} 3\n\
                    a_bytes 5\n\
                    b 7\n";
        assert_eq!(sum(page, "a_total", ""), 5.0);
        assert_eq!(sum(page, "a", ""), 5.0);
        assert_eq!(sum(page, "a", "reason=\"y\""), 3.0);
        assert_eq!(sum(page, "a", "reason=\"z\""), 0.0);
        assert_eq!(sum(page, "b", ""), 7.0);
        assert_eq!(sum(page, "c", "").to_string(), "0");
    }
}
