//! The search for change points: the best split of a stretch is taken if it outweighs its prior, and so on in both halves.

use super::likelihood::Counts;

/// A chain of splits is only looked for among this many of the newest places.
const MOST_PLACES: usize = 96;

/// What is split: neighbours of which those from one index up to, not including, another have counts.
pub trait Splits {
    /// How many there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a split before an index, which is more than 0, can be best.
    fn is_place(&self, at: usize) -> bool;

    /// What those from one index up to, not including, another have together.
    fn counts(&self, from: usize, to: usize) -> Counts;

    /// Logarithm of the likelihood of counts at one unknown rate.
    fn ln(&self, counts: Counts) -> f64;

    /// Logarithm of the likelihood of those from one index up to, not including, another, if nothing changed in them.
    fn ln_likelihood(&self, from: usize, to: usize) -> f64 {
        self.ln(self.counts(from, to))
    }

    /// How much better a split before `at` explains those from one index up to, not including, another: the logarithm of
    /// the ratio of likelihoods.
    fn gain(&self, from: usize, at: usize, to: usize) -> f64 {
        self.ln_likelihood(from, at) + self.ln_likelihood(at, to) - self.ln_likelihood(from, to)
    }
}

/// The bounds of segments: 0, the first of each further segment, and the number of all.
pub fn bounds<S: Splits>(series: &S, prior: f64) -> Vec<usize> {
    let mut bounds = vec![0];
    split(series, 0, series.len(), prior.ln(), &mut bounds);
    bounds.push(series.len());
    settle(series, &mut bounds, prior.ln());
    bounds
}

/// The best single split of those from one index up to, not including, another, and how much it gains.
pub fn best_split<S: Splits>(series: &S, from: usize, to: usize) -> Option<(usize, f64)> {
    let whole = series.ln_likelihood(from, to);
    let gain = |at: usize| series.ln_likelihood(from, at) + series.ln_likelihood(at, to) - whole;
    let gains = places(series, from, to).map(|at| (at, gain(at)));
    gains.max_by(|one, other| one.1.total_cmp(&other.1))
}

fn places<S: Splits>(series: &S, from: usize, to: usize) -> impl Iterator<Item = usize> {
    (from + 1..to).filter(|at| series.is_place(*at))
}

/// Appends the splits inside of a stretch, in order.
fn split<S: Splits>(series: &S, from: usize, to: usize, ln_prior: f64, bounds: &mut Vec<usize>) {
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
fn best_chain<S: Splits>(series: &S, from: usize, to: usize, ln_prior: f64) -> Vec<usize> {
    let mut places: Vec<usize> = places(series, from, to).collect();
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
fn settle<S: Splits>(series: &S, bounds: &mut Vec<usize>, ln_prior: f64) {
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
