//! The fields of a search: what can be asked about a test beside its name.

/// What can be asked about beside the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The suite.
    Suite,
    /// The group of triage.
    Status,
    /// The worst state.
    State,
    /// Some configuration.
    On,
    /// Every configuration.
    Only,
    /// How many configurations.
    Count,
    /// The share of runs that failed.
    Flaky,
    /// How many of the newest commits it failed on in a row.
    Row,
    /// When it changed.
    Since,
    /// Linked bugs.
    Bug,
    /// Owners.
    Owner,
}

impl Field {
    pub(super) const ALL: [Self; 11] = [
        Self::Suite,
        Self::Status,
        Self::State,
        Self::On,
        Self::Only,
        Self::Count,
        Self::Flaky,
        Self::Row,
        Self::Since,
        Self::Bug,
        Self::Owner,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Suite => "suite",
            Self::Status => "status",
            Self::State => "state",
            Self::On => "on",
            Self::Only => "only",
            Self::Count => "count",
            Self::Flaky => "flaky",
            Self::Row => "row",
            Self::Since => "since",
            Self::Bug => "bug",
            Self::Owner => "owner",
        }
    }

    /// An example, and what it finds.
    pub fn help(self) -> (&'static str, &'static str) {
        match self {
            Self::Suite => ("suite:layout*", "tests of these suites"),
            Self::Status => ("status:new,flaky", "new, still, fixed, flaky, or notrun"),
            Self::State => ("state:crash,timeout", "whose worst state is one of these"),
            Self::On => ("on:ios", "on some configuration whose name holds this"),
            Self::Only => ("only:ios", "on such configurations and no others"),
            Self::Count => ("count:>3", "on so many configurations"),
            Self::Flaky => ("flaky:>5%", "which failed in so large a share of the newest runs"),
            Self::Row => ("row:>=3", "which failed on so many of the newest commits in a row"),
            Self::Since => ("since:3d", "which changed within that time, or since a date: since:2026-01-31"),
            Self::Bug => ("bug:none", "without a linked bug; bug:any with one, bug:123 with that one"),
            Self::Owner => ("owner:@team", "which they own; owner:none whom nobody owns, owner:any whom somebody does"),
        }
    }
}
