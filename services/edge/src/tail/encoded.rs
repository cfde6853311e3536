//! A frame of an event in one encoding, made once per node, when it is first wanted.
//!
//! Invariant: [`EncodedBytes`] is the memory of all such frames that live, whoever holds their events.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Memory of frames that were made on demand, in bytes: those of the ring's events, or those of pages.
#[derive(Debug, Default)]
pub struct EncodedBytes(AtomicUsize);

impl EncodedBytes {
    /// How much it is now.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Empty until somebody wants the frame.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    is_claimed: AtomicBool,
    frame: OnceLock<Frame>,
}

#[derive(Debug)]
struct Frame {
    message: Box<[u8]>,
    counted_in: Arc<EncodedBytes>,
}

impl Encoded {
    /// The frame, if it is there.
    pub(super) fn get(&self) -> Option<&[u8]> {
        self.frame.get().map(|frame| &*frame.message)
    }

    /// The frame; made now if nobody has. Of several threads one makes it and the others wait.
    pub(super) fn get_or_make(
        &self,
        bytes: Arc<EncodedBytes>,
        make: impl FnOnce() -> Box<[u8]>,
    ) -> &[u8] {
        &self.frame.get_or_init(|| Frame::new(make(), bytes)).message
    }

    /// Whether the caller is the first to ask. Only a hint: threads that want the same run of events share the work
    /// instead of waiting for each other at each of them.
    pub(super) fn claim(&self) -> bool {
        self.frame.get().is_none() && !self.is_claimed.swap(true, Ordering::Relaxed)
    }

    /// The memory that the frame takes in bytes; 0 when there is none.
    pub(super) fn weight(&self) -> usize {
        self.frame.get().map_or(0, Frame::weight)
    }
}

impl Frame {
    fn new(message: Box<[u8]>, counted_in: Arc<EncodedBytes>) -> Self {
        let frame = Self {
            message,
            counted_in,
        };
        frame
            .counted_in
            .0
            .fetch_add(frame.weight(), Ordering::Relaxed);
        frame
    }

    fn weight(&self) -> usize {
        /// What the allocator keeps beside an allocation.
        const OVERHEAD: usize = 2 * size_of::<usize>();
        self.message.len() + OVERHEAD
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        self.counted_in
            .0
            .fetch_sub(self.weight(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
