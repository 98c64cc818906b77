//! Likelihoods of counts at a mixture of rates. Histories ask for the same few counts again and again, so each is worked
//! out once.

use std::sync::atomic::{AtomicU64, Ordering};

/// Likelihoods of counts up to so many runs are kept.
const KEPT: u32 = 512;
/// Of a sum of likelihoods, those whose logarithm is so much below the largest are less than what a number can hold of it.
const LOST: f64 = 40.0;

/// Rates with their shares, and the likelihoods that were asked for.
#[derive(Debug)]
pub(super) struct Mixture<const N: usize> {
    /// The logarithms of each share, of its rate, and of what the rate leaves.
    terms: [[f64; 3]; N],
    /// Bits of a logarithm by runs and failures; those of NaN where nobody asked yet.
    known: Box<[AtomicU64]>,
}

impl<const N: usize> Mixture<N> {
    pub(super) fn new(shares: [f64; N], rates: [f64; N]) -> Self {
        let terms = std::array::from_fn(|index| [shares[index], rates[index], 1.0 - rates[index]].map(f64::ln));
        let known = (0..place(0, KEPT + 1)).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect();
        Self { terms, known }
    }

    /// Logarithm of the likelihood that `bad` certain ones of `runs` runs fail, and no other.
    pub(super) fn ln(&self, bad: u32, runs: u32) -> f64 {
        let Some(slot) = self.known.get(place(bad, runs)) else { return self.worked_out(bad, runs) };
        let known = f64::from_bits(slot.load(Ordering::Relaxed));
        if !known.is_nan() {
            return known;
        }
        let found = self.worked_out(bad, runs);
        slot.store(found.to_bits(), Ordering::Relaxed);
        found
    }

    fn worked_out(&self, bad: u32, runs: u32) -> f64 {
        let (bad, good) = (f64::from(bad), f64::from(runs - bad));
        let logarithms = self.terms.map(|[share, rate, rest]| share + bad * rate + good * rest);
        let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // Of many runs, one or two rates explain all that counts.
        let counted = logarithms.iter().filter(|logarithm| most - **logarithm < LOST);
        let sum: f64 = counted.map(|logarithm| (logarithm - most).exp()).sum();
        most + sum.ln()
    }
}

/// Where counts stand: those of one run come after those of none, and so on.
fn place(bad: u32, runs: u32) -> usize {
    let runs = runs as usize;
    runs * (runs + 1) / 2 + bad as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_worked_out() {
        let mixture = Mixture::new([0.25, 0.75], [0.1, 0.9]);
        for (bad, runs) in [(0, 0), (0, 3), (2, 3), (3, 3), (0, KEPT), (KEPT, KEPT), (7, KEPT + 1), (0, 4 * KEPT)] {
            let found = mixture.ln(bad, runs);
            assert_eq!([found; 2], [mixture.ln(bad, runs), mixture.worked_out(bad, runs)], "{bad} of {runs}");
        }
        let expected: f64 = 0.25 * 0.1 * 0.9 + 0.75 * 0.9 * 0.1;
        assert!((mixture.ln(1, 2) - expected.ln()).abs() < 1e-12);
    }
}
