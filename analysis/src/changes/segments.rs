//! The segments of histories: stretches in which the behaviour stays the same.

use crate::change_points::likelihood::Likelihood;
use crate::change_points::outline::Outline;
use crate::change_points::search;
use crate::parallel;
use crate::rules::Rules;

use super::OutlinedSuite;

/// The segments of a history.
pub(super) struct Segments {
    /// Position of its subject.
    pub(super) subject: usize,
    /// Their bounds, by rows of the outline.
    pub(super) bounds: Vec<usize>,
}

impl Segments {
    /// The segments of every history that fails at all, whatever their rates are.
    pub(super) fn at_any_rates(suite: &OutlinedSuite<'_>, rules: &Rules) -> Vec<Self> {
        Self::of(suite, |outline| search::bounds(&outline.explained_by(Likelihood::up_to), rules.change_prior))
    }

    /// The segments of every history that fails at all, with the bounds that a search finds.
    pub(super) fn of(suite: &OutlinedSuite<'_>, bounds: impl Fn(&Outline) -> Vec<usize> + Sync) -> Vec<Self> {
        let outlines = suite.outlines.iter().enumerate();
        let failing: Vec<(usize, &Outline)> = outlines.filter(|(_, outline)| outline.fails()).collect();
        parallel::map(&failing, |(subject, outline)| Self { subject: *subject, bounds: bounds(outline) })
    }

    /// The row with which the newest segment begins.
    pub(super) fn newest(&self) -> usize {
        self.bounds.len().checked_sub(2).map_or(0, |last| self.bounds[last])
    }
}
