//! A firehose of real, signed frames from a seeded world.
