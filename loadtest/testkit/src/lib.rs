//! Real servers, real clients and oracles for tests.
