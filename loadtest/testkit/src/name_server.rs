//! A local DNS server with exactly the configured records.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Result;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, TXT};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// The records.
#[derive(Debug, Clone, Default)]
pub struct Zone {
    addresses: HashMap<String, Vec<Ipv4Addr>>,
    texts: HashMap<String, Vec<String>>,
    silent: Vec<String>,
}

impl Zone {
    /// Gives a host an address.
    #[must_use]
    pub fn address(mut self, host: &str, address: Ipv4Addr) -> Self {
        let addresses = self.addresses.entry(host.to_owned()).or_default();
        addresses.push(address);
        self
    }

    /// Adds a TXT record to a name.
    #[must_use]
    pub fn text(mut self, name: &str, text: &str) -> Self {
        let texts = self.texts.entry(name.to_owned()).or_default();
        texts.push(text.to_owned());
        self
    }

    /// Queries for this name get no response.
    #[must_use]
    pub fn silent(mut self, name: &str) -> Self {
        self.silent.push(name.to_owned());
        self
    }
}

/// A running name server. It ends when this is dropped.
#[derive(Debug)]
pub struct NameServer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl NameServer {
    /// Starts one, over UDP.
    ///
    /// # Errors
    /// When no socket is available.
    pub async fn start(zone: Zone) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        #[allow(
            clippy::disallowed_methods,
            reason = "the handle is kept, and the task ends with it"
        )]
        let task = tokio::spawn(async move {
            let mut question = [0; 4096];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                count.fetch_add(1, Ordering::SeqCst);
                if let Some(answer) = answer(&zone, &question[..length]) {
                    let _gone = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self {
            address,
            asked,
            task,
        })
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many queries it received.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(zone: &Zone, question: &[u8]) -> Option<Vec<u8>> {
    let message = Message::from_vec(question).ok()?;
    let query = message.queries.first()?.clone();
    let name = query.name().to_ascii().to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    if zone.silent.iter().any(|silent| silent == name) {
        return None;
    }
    let data: Vec<RData> = match query.query_type() {
        RecordType::A => {
            let addresses = zone.addresses.get(name).into_iter().flatten();
            addresses.map(|address| RData::A(A(*address))).collect()
        }
        RecordType::TXT => {
            let texts = zone.texts.get(name).into_iter().flatten();
            // A text consists of pieces of at most 255 bytes.
            let pieces = |text: &String| {
                let bytes = text.as_bytes().chunks(255);
                bytes
                    .map(|piece| String::from_utf8_lossy(piece).into_owned())
                    .collect()
            };
            texts
                .map(|text| RData::TXT(TXT::new(pieces(text))))
                .collect()
        }
        _ => Vec::new(),
    };
    let is_known = zone.addresses.contains_key(name) || zone.texts.contains_key(name);
    let mut answer = message.into_response();
    answer.metadata.response_code = match is_known {
        true => ResponseCode::NoError,
        false => ResponseCode::NXDomain,
    };
    let records = data.into_iter().map(|data| {
        let name = query.name().clone();
        Record::from_rdata(name, 60, data)
    });
    answer.add_answers(records);
    answer.to_vec().ok()
}
