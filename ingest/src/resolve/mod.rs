//! What an upload only names: its commits, and where its CI shows the run.

pub(crate) mod ci;
pub(crate) mod commits;
mod orders;
mod repositories;
pub mod sources;
