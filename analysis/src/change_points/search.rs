//! The search for change points in the rows of an outline: the best split of a stretch is taken if it outweighs its prior,
//! and so on in both halves.

use super::likelihood::RateLikelihood;
use super::outline::OutlineSeries;

/// A chain of splits is only looked for among this many of the newest places.
const MOST_PLACES: usize = 96;

/// The bounds of segments: 0, the first row of each further segment, and the number of rows.
pub fn bounds<L: RateLikelihood>(series: &OutlineSeries<'_, L>, prior: f64) -> Vec<usize> {
    let mut bounds = vec![0];
    split(series, 0, series.rows(), prior.ln(), &mut bounds);
    bounds.push(series.rows());
    settle(series, &mut bounds, prior.ln());
    bounds
}

/// The best single split of the rows from one index up to, not including, another, and how much it gains.
pub fn best_split<L: RateLikelihood>(series: &OutlineSeries<'_, L>, from: usize, to: usize) -> Option<(usize, f64)> {
    let whole = series.ln_likelihood(from, to);
    let gain = |at: usize| series.ln_likelihood(from, at) + series.ln_likelihood(at, to) - whole;
    let gains = (from + 1..to).map(|at| (at, gain(at)));
    gains.max_by(|one, other| one.1.total_cmp(&other.1))
}

/// Appends the splits inside of a stretch, in order.
fn split<L: RateLikelihood>(
    series: &OutlineSeries<'_, L>,
    from: usize,
    to: usize,
    ln_prior: f64,
    bounds: &mut Vec<usize>,
) {
    let single = best_split(series, from, to).filter(|(_, gain)| gain + ln_prior > 0.0).map(|(at, _)| at);
    let places = match single {
        Some(at) => vec![at],
        None => best_chain(series, from, to, ln_prior),
    };
    let mut start = from;
    for at in &places {
        split(series, start, *at, ln_prior, bounds);
        bounds.push(*at);
        start = *at;
    }
    if !places.is_empty() {
        split(series, start, to, ln_prior, bounds);
    }
}

/// The best chain of splits at neighbouring places, if it outweighs the priors of all of them. It finds what broke, was fixed
/// and broke again, which one split alone does not explain. Between its splits everything is bad, or everything is clean:
/// what comes and goes as a mixture is a burst of flakiness and no change.
fn best_chain<L: RateLikelihood>(series: &OutlineSeries<'_, L>, from: usize, to: usize, ln_prior: f64) -> Vec<usize> {
    let mut places: Vec<usize> = (from + 1..to).collect();
    let surplus = places.len().saturating_sub(MOST_PLACES);
    places.drain(..surplus);
    // What lies between a place and the next: how well it is explained, if nothing mixed is in it; and what follows that.
    let between = |pair: &[usize]| {
        let row = series.counts(pair[0], pair[1]);
        let is_even = row.is_hard() || row.is_clean();
        is_even.then(|| (series.ln_likelihood(pair[0], pair[1]) + ln_prior, series.ln_likelihood(pair[1], to)))
    };
    let rows: Vec<Option<(f64, f64)>> = places.windows(2).map(between).collect();
    let mut best = 0..0;
    let mut most = series.ln_likelihood(from, to);
    for (first, start) in places.iter().enumerate() {
        let mut explained = series.ln_likelihood(from, *start) + ln_prior;
        for (last, row) in (first + 1..).zip(&rows[first.min(rows.len())..]) {
            let Some((row, rest)) = row else { break };
            explained += row;
            let whole = explained + rest;
            if whole > most {
                most = whole;
                best = first..last + 1;
            }
        }
    }
    places[best].to_vec()
}

/// Moves each bound to the best place between its neighbours, which may have been found after it, and drops those that do
/// not outweigh their prior there.
fn settle<L: RateLikelihood>(series: &OutlineSeries<'_, L>, bounds: &mut Vec<usize>, ln_prior: f64) {
    loop {
        for index in 1..bounds.len() - 1 {
            let (from, to) = (bounds[index - 1], bounds[index + 1]);
            if let Some((at, _)) = best_split(series, from, to) {
                bounds[index] = at;
            }
        }
        let gain = |index: usize| series.gain(bounds[index - 1], bounds[index], bounds[index + 1]);
        let weakest = (1..bounds.len() - 1).min_by(|one, other| gain(*one).total_cmp(&gain(*other)));
        match weakest.filter(|index| gain(*index) + ln_prior <= 0.0) {
            Some(index) => bounds.remove(index),
            None => return,
        };
    }
}
