//! Who is let in: keys, through HTTP and the command line.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

mod keyed;
mod keys;
mod lanes;
mod limits;
mod routes;
mod sessions;
