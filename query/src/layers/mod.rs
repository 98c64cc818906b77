//! What happens around every handler: kept answers, formats, error pages, metrics, and paths that are written twice over.

pub(crate) mod cache;
pub(crate) mod error_pages;
pub(crate) mod format;
pub(crate) mod metrics;
pub(crate) mod paths;
