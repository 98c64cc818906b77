//! What the integration tests of all crates share. No service is built with it; beside
//! tests, only the measures of `bench` are.
//!
//! Helpers panic when something goes wrong, so that a test fails where it happened. Features keep a crate's tests from
//! compiling what they do not use; `Cargo.toml` says what each one brings.
//!
//! What has to be awaited comes as a [`Task`]: the compiler makes the code of an async function anew in each crate that awaits
//! it, with that of everything which it awaits in turn, and there are many files of tests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::pin::Pin;

pub mod clock;
pub mod documents;
pub mod git;
pub mod random;
pub mod visits;
pub mod wait;
pub mod workspace;

#[cfg(feature = "contract")]
pub mod contract;
#[cfg(feature = "engine")]
pub mod engine;
#[cfg(feature = "events")]
pub mod events;
#[cfg(feature = "forge")]
pub mod forge;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod load;
#[cfg(feature = "pki")]
pub mod pki;
#[cfg(feature = "processor")]
pub mod processing;
#[cfg(feature = "kafka")]
pub mod proxy;
#[cfg(feature = "query")]
pub mod query_service;
#[cfg(feature = "server")]
pub mod receiver;
#[cfg(feature = "processor")]
pub mod rows;
#[cfg(feature = "proptest")]
pub mod sample;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "shards")]
pub mod shards;
#[cfg(feature = "kafka")]
pub mod stack;

/// What ends with a `T`, and was compiled in this crate.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;
