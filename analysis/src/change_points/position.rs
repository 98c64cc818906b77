//! Where exactly a change happened: the posterior over the places between its neighbouring segments.

use super::{ChangePoint, Series};

/// What is left out of the interval at each end; both together are one per cent.
const TAIL: f64 = 0.005;

/// The probability of each cell after `from`, up to, not including, `to`, to be the first with the new behaviour. The first
/// element belongs to the cell after `from`. Commits are equally likely beforehand, so that a cell that comes after many
/// untested commits weighs more.
pub fn posterior(series: &Series, from: usize, to: usize) -> Vec<f64> {
    let explained = |at: usize| series.ln_likelihood(from, at) + series.ln_likelihood(at, to);
    let logarithms: Vec<f64> = (from + 1..to).map(explained).collect();
    let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let commits = |at: usize| f64::from(series.positions[at].saturating_sub(series.positions[at - 1]).max(1));
    let weights: Vec<f64> =
        logarithms.iter().zip(from + 1..).map(|(logarithm, at)| (logarithm - most).exp() * commits(at)).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// The change at a bound, between the bounds before and after it, with its interval.
pub fn of_change(series: &Series, from: usize, at: usize, to: usize) -> ChangePoint {
    let posterior = posterior(series, from, to);
    let reaches_tail = |sum: &mut f64, share: &f64| {
        *sum += share;
        Some(*sum >= TAIL)
    };
    let left_out = |shares: &mut dyn Iterator<Item = &f64>| shares.scan(0.0, reaches_tail).take_while(|is| !is).count();
    let earliest = from + 1 + left_out(&mut posterior.iter());
    let latest = to - 1 - left_out(&mut posterior.iter().rev());
    ChangePoint { index: at, earliest: earliest.min(at), latest: latest.max(at) }
}
