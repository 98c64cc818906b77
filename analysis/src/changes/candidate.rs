//! What a change of one history is: two neighbouring segments, and where the change may lie.

use super::place::Place;

/// How surprising a result is at least that other changes may make one, or take with them.
pub(super) const LEAST_SURPRISE: f64 = 4.0;

/// Which way a change went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Direction {
    /// More failures.
    Worse,
    /// Fewer failures.
    Better,
    /// As many failures, that are expected now.
    Expected,
}

impl Direction {
    pub(super) const ALL: [Self; 3] = [Self::Worse, Self::Better, Self::Expected];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Better => "better",
            Self::Expected => "expected",
        }
    }
}

/// Two neighbouring segments of a history, by indices of its cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shift {
    /// Position of its subject.
    pub(super) subject: usize,
    /// The first cell of the segment before.
    pub(super) from: usize,
    /// The first cell with the new behaviour.
    pub(super) at: usize,
    /// The cell after the last with the new behaviour.
    pub(super) to: usize,
    pub(super) direction: Direction,
    /// Whether every cell with the new behaviour failed, or none: it is one episode, and no mixture.
    pub(super) is_even: bool,
    /// Whether no cell of the segment before was like those with the new behaviour.
    pub(super) is_first: bool,
    /// How surprising what came since is, if nothing changed; beyond measure where its own results prove the change.
    pub(super) surprise: f64,
}

impl Shift {
    /// Its subject and its first cell, which no other has.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.subject, self.at)
    }
}

/// An episode inside a segment: what it began with, and what it ended with. Both are as surprising as the episode is.
#[derive(Debug, Clone, Copy)]
pub(super) struct EndedEpisode {
    pub(super) begin: Shift,
    pub(super) end: Shift,
    /// The cell with which a further episode begins.
    pub(super) next: usize,
    /// Places, among the commits on which the suite ran, of the last cell before it and of its first one.
    pub(super) between: (u32, u32),
}

/// A change of one history.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) shift: Shift,
    /// The commits that may have done it.
    pub(super) place: Place,
}
