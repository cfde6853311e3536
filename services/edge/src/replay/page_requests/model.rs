//! Readers request pages in any order, with any cache size and any page length: each reads its selection from its start on,
//! once and in order.

use fanjet_event::Topic;
use fanjet_log::TopicFilter;
use proptest::prelude::*;
use tokio::sync::oneshot::error::TryRecvError;

use super::*;
use crate::events::{commit, event};
use crate::tail::Collections;

const POST: &str = "app.bsky.feed.post";
/// The end of the log; the ring begins after it.
const END: Seq = 300;

fn selection(which: usize) -> Selection {
    match which {
        0 => Selection::All,
        1 => Selection::only([TopicFilter::Identity]),
        _ => Selection::only([TopicFilter::Commits, TopicFilter::Identity]),
    }
}

fn topic(seq: Seq) -> Topic {
    match seq % 13 {
        0 => Topic::Identity,
        1..7 => Topic::Account,
        _ => commit(POST, "did:plc:a").topic,
    }
}

#[derive(Debug, Clone)]
enum Act {
    /// A reader joins with this selection and start.
    Join(usize, Seq),
    Leave(usize),
    /// It sends a request or checks for its response.
    Poll(usize),
    Start,
    /// A running load ends after this many events.
    Finish(usize, usize),
}

fn act() -> impl Strategy<Value = Act> {
    let (who, start) = (0..64usize, prop_oneof![Just(1), 1..=END]);
    prop_oneof![
        2 => (0..3usize, start).prop_map(|(which, start)| Act::Join(which, start)),
        1 => who.clone().prop_map(Act::Leave),
        6 => who.clone().prop_map(Act::Poll),
        2 => Just(Act::Start),
        2 => (who, 1..40usize).prop_map(|(load, found)| Act::Finish(load, found)),
    ]
}

struct Reader {
    selection: Selection,
    start: Seq,
    next: Seq,
    read: Vec<Seq>,
    waiting: Option<oneshot::Receiver<Loaded>>,
}

impl Reader {
    fn poll(&mut self, page_requests: &PageRequests) {
        let answer = match self.waiting.take() {
            None if self.next > END => return,
            None => page_requests.page(self.next, self.selection.clone()),
            Some(mut waiting) => match waiting.try_recv() {
                Ok(Ok(page)) => PageResponse::Page(page),
                Ok(Err(damage)) => panic!("nothing is damaged: {damage:?}"),
                Err(TryRecvError::Empty) => PageResponse::Wait(waiting),
                Err(TryRecvError::Closed) => panic!("a reader was dropped"),
            },
        };
        match answer {
            PageResponse::Wait(waiting) => self.waiting = Some(waiting),
            PageResponse::Page(page) => {
                assert!(page.complete_from <= self.next, "the page has a gap");
                let new = page.entries.iter().map(|entry| entry.seq());
                self.read.extend(new.filter(|&seq| seq >= self.next));
                self.next = self.next.max(page.next);
            }
        }
    }
}

fn finish(page_requests: &PageRequests, load: Load, most: usize) {
    let seq_range = load.from..load.until.unwrap_or(END + 1);
    let wanted = seq_range
        .clone()
        .filter(|&seq| load.selection.matches(&topic(seq)));
    let found: Vec<_> = wanted
        .take(most)
        .map(|seq| event(topic(seq), "did:plc:a").at(seq))
        .collect();
    let next = match found.last() {
        Some(last) if found.len() == most => last.seq + 1,
        _ => seq_range.end,
    };
    let page = Page::new(&found, load.from, next, &Mutex::new(Collections::new(10))).unwrap();
    page_requests.loaded(load, page);
}

proptest! {
    #[test]
    fn every_reader_reads_what_it_selects_once_in_order(
        acts in prop::collection::vec(act(), 1..200),
        cache_bytes in prop_oneof![Just(0), 1_000..100_000usize],
    ) {
        let ring = Arc::new(Ring::new(1 << 20));
        ring.restart(END + 1, END + 1);
        let page_requests = PageRequests::new(ring, cache_bytes);
        let (mut readers, mut running) = (Vec::<Reader>::new(), Vec::new());
        for act in acts {
            match act {
                Act::Join(which, start) => readers.push(Reader {
                    selection: selection(which),
                    start,
                    next: start,
                    read: Vec::new(),
                    waiting: None,
                }),
                Act::Leave(who) if !readers.is_empty() => {
                    readers.swap_remove(who % readers.len());
                }
                Act::Poll(who) if !readers.is_empty() => {
                    let at = who % readers.len();
                    readers[at].poll(&page_requests);
                }
                Act::Start => running.extend(page_requests.next_load()),
                Act::Finish(which, found) if !running.is_empty() => {
                    let load = running.swap_remove(which % running.len());
                    finish(&page_requests, load, found);
                }
                Act::Leave(_) | Act::Poll(_) | Act::Finish(..) => {}
            }
            prop_assert!(page_requests.cached_bytes() <= cache_bytes);
        }
        // In each round every reader takes at least one event, or the rest of the log.
        for _ in 0..=2 * END {
            running.extend(std::iter::from_fn(|| page_requests.next_load()));
            running.drain(..).for_each(|load| finish(&page_requests, load, 7));
            readers.iter_mut().for_each(|reader| reader.poll(&page_requests));
        }
        for reader in readers {
            let expected: Vec<_> = (reader.start..=END).filter(|&seq| reader.selection.matches(&topic(seq))).collect();
            prop_assert_eq!(reader.read, expected, "{:?} from {}", reader.selection, reader.start);
        }
    }
}
