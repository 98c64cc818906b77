//! The search for change points: the best split of a stretch is taken if it outweighs its prior, and so on in both halves.

use super::Series;

/// A pair of splits is only looked for where this many places at most come into question.
const MOST_PLACES: usize = 96;

/// The bounds of segments: 0, the first cell of each further segment, and the number of cells.
pub fn bounds(series: &Series, prior: f64) -> Vec<usize> {
    let mut bounds = vec![0];
    split(series, 0, series.len(), prior.ln(), &mut bounds);
    bounds.push(series.len());
    settle(series, &mut bounds);
    bounds
}

/// The best single split of the cells from one index up to, not including, another, and how much it gains.
pub fn best_split(series: &Series, from: usize, to: usize) -> Option<(usize, f64)> {
    let gains = places(series, from, to).map(|at| (at, series.gain(from, at, to)));
    gains.max_by(|one, other| one.1.total_cmp(&other.1))
}

/// Places where a split can be best: inside a row of clean cells, or of hard failures, either end is better.
fn places(series: &Series, from: usize, to: usize) -> impl Iterator<Item = usize> {
    let is_even = |at: usize| {
        let (before, after) = (series.counts(at - 1, at), series.counts(at, at + 1));
        (before.is_clean() && after.is_clean()) || (before.is_hard() && after.is_hard())
    };
    (from + 1..to).filter(move |at| !is_even(*at))
}

/// Appends the splits inside of a stretch, in order.
fn split(series: &Series, from: usize, to: usize, ln_prior: f64, bounds: &mut Vec<usize>) {
    let single = best_split(series, from, to).filter(|(_, gain)| gain + ln_prior > 0.0).map(|(at, _)| at);
    let places = match single {
        Some(at) => vec![at],
        None => best_pair(series, from, to, ln_prior).map_or_else(Vec::new, |(at, end)| vec![at, end]),
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

/// The best pair of splits, if it outweighs the prior of two changes. It finds what broke and was fixed again, which one
/// split alone does not explain.
fn best_pair(series: &Series, from: usize, to: usize, ln_prior: f64) -> Option<(usize, usize)> {
    let mut places: Vec<usize> = places(series, from, to).collect();
    let surplus = places.len().saturating_sub(MOST_PLACES);
    places.drain(..surplus);
    let whole = series.ln_likelihood(from, to);
    let mut best = None;
    let mut most = whole - 2.0 * ln_prior;
    for (index, at) in places.iter().enumerate() {
        let before = series.ln_likelihood(from, *at);
        for end in &places[index + 1..] {
            let explained = before + series.ln_likelihood(*at, *end) + series.ln_likelihood(*end, to);
            if explained > most {
                most = explained;
                best = Some((*at, *end));
            }
        }
    }
    best
}

/// Moves each bound to the best place between its neighbours, which may have been found after it.
fn settle(series: &Series, bounds: &mut [usize]) {
    for _ in 0..2 {
        for index in 1..bounds.len().saturating_sub(1) {
            let (from, to) = (bounds[index - 1], bounds[index + 1]);
            if let Some((at, _)) = best_split(series, from, to) {
                bounds[index] = at;
            }
        }
    }
}
