//! A frame of an event in one encoding, created once per node on first use.
//!
//! Invariant: [`EncodedBytes`] equals the memory of all such live frames, whatever holds their events.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// The memory in bytes of frames encoded on demand, for the ring or for pages.
#[derive(Debug, Default)]
pub struct EncodedBytes(AtomicUsize);

impl EncodedBytes {
    /// The current number of bytes.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Empty until the frame is first needed.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    is_claimed: AtomicBool,
    /// Boxed: of the many encodings that an event may have, most have none.
    frame: OnceLock<Box<Frame>>,
}

#[derive(Debug)]
struct Frame {
    message: Box<[u8]>,
    counted_in: Arc<EncodedBytes>,
}

impl Encoded {
    /// The frame, if it exists.
    pub(super) fn get(&self) -> Option<&[u8]> {
        self.frame.get().map(|frame| &*frame.message)
    }

    /// The frame, created if necessary. One thread creates it and the others wait.
    pub(super) fn get_or_make(
        &self,
        bytes: Arc<EncodedBytes>,
        make: impl FnOnce() -> Box<[u8]>,
    ) -> &[u8] {
        &self
            .frame
            .get_or_init(|| Box::new(Frame::new(make(), bytes)))
            .message
    }

    /// Whether the caller is the first to ask. Only a hint: threads that need the same events share the work instead of
    /// waiting for each other at each one.
    pub(super) fn claim(&self) -> bool {
        self.frame.get().is_none() && !self.is_claimed.swap(true, Ordering::Relaxed)
    }

    /// The memory of the frame in bytes; 0 without one.
    pub(super) fn weight(&self) -> usize {
        self.frame.get().map_or(0, |frame| frame.weight())
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
        /// The frame's box, and what the allocator keeps beside the two allocations.
        const OVERHEAD: usize = size_of::<Frame>() + 4 * size_of::<usize>();
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
