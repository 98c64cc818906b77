//! Questions as types. Who asks over HTTP, from a page or from a hook makes one of these; nobody inside makes a query text.

mod commits;
mod configurations;
mod runs;

pub use commits::{CommitRange, CommitSelector};
pub use configurations::{ConfigurationFilter, parse_asked_version};
pub use runs::{RunFilter, StartTimes};
