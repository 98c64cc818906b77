//! What the intake and the query service share at the door: the JSON error body, the OpenAPI kit, the `Prefer` header,
//! the check against other sites' forms, the headers of every answer, warnings, and a way to run work that blocks.
//!
//! Nothing here knows the store, the log or a domain type, so that both services can depend on it.

pub mod blocking;
pub mod error_body;
pub mod openapi;
pub mod prefer;
pub mod protection;
pub mod same_site;
pub mod time;
pub mod warning;
