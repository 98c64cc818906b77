//! What whoever reads a run may choose.

use chrono::FixedOffset;

use crate::format::Format;
use crate::name::{Roots, Template};

/// How a run is read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How names are written; each dialect's own way where there is none.
    pub template: Option<Template>,
    /// Folders that are taken off absolute paths in names.
    pub roots: Roots,
    /// The zone of stamps for which the report gives none. Without it, they stay without zone.
    pub zone: Option<FixedOffset>,
    /// The form of the reports; recognised by their content where there is none.
    pub format: Option<Format>,
}
