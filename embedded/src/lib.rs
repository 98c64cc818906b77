//! ClickHouse inside this process, for a results database that needs no server beside it.
//!
//! The rest of the workspace talks to ClickHouse through the `clickhouse` crate over HTTP. So that
//! the same code runs with and without a server, this crate opens libchdb ([`library`], loaded at
//! run time), wraps its C calls ([`chdb`]), keeps a few connections ([`pool`]) and puts a small HTTP
//! front on the loopback interface ([`front`]) that answers what the crate sends. A request goes:
//! HTTP → password check → a leased connection with the request's settings → libchdb → streamed
//! back. [`Engine`] starts and stops all of it; [`LocalLog`] is the matching event log on disk. [`freeze`] and
//! [`LocalLog::segment`] give a backup what it copies while both are in use; [`damage`] is what a check of either finds.

pub mod chdb;
pub mod damage;
pub mod engine;
pub mod freeze;
pub mod front;
pub mod library;
pub mod local_log;
pub mod pool;
mod request;
mod space;

pub use damage::Damage;
pub use engine::{Engine, EngineError, EngineOptions};
pub use freeze::{Freezer, FrozenTables};
pub use local_log::{Committed, LocalLog, LogCheck, LogCopy, Segment};
