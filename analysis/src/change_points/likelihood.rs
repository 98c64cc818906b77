//! How likely runs are if a test's rate of failures does not change: a beta-binomial likelihood in two terms, as in LUCI
//! Analysis. The first is about runs with an unexpected result, the second about retries of those that stayed unexpected.

use std::borrow::Cow;
use std::sync::OnceLock;

use libm::lgamma;

use crate::history::Cell;

/// Prior of the rate of runs with an unexpected result: tests mostly pass always, or fail always.
const UNEXPECTED: (f64, f64) = (0.3, 0.5);
/// Prior of the rate of retried runs that stay unexpected.
const UNRECOVERED: (f64, f64) = (0.5, 0.5);

/// Runs of some cells, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All runs.
    pub runs: u32,
    /// Runs with an unexpected result.
    pub unexpected: u32,
    /// Of these, runs that were retried.
    pub retried: u32,
    /// Of the retried, runs in which no attempt passed.
    pub unrecovered: u32,
}

impl Counts {
    /// The runs of a cell. `is_retried` says whether failing runs are retried.
    pub fn of_cell(cell: &Cell, is_retried: bool) -> Self {
        let unexpected = cell.failed.min(cell.runs);
        let (retried, unrecovered) = if is_retried { (unexpected, cell.unrecovered.min(unexpected)) } else { (0, 0) };
        Self { runs: cell.runs, unexpected, retried, unrecovered }
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            unexpected: self.unexpected + other.unexpected,
            retried: self.retried + other.retried,
            unrecovered: self.unrecovered + other.unrecovered,
        }
    }

    /// What is left without a part.
    pub fn minus(self, part: Self) -> Self {
        Self {
            runs: self.runs - part.runs,
            unexpected: self.unexpected - part.unexpected,
            retried: self.retried - part.retried,
            unrecovered: self.unrecovered - part.unrecovered,
        }
    }

    /// Whether no run was unexpected.
    pub fn is_clean(self) -> bool {
        self.unexpected == 0
    }

    /// Whether every run was unexpected and stayed so.
    pub fn is_hard(self) -> bool {
        self.unexpected == self.runs && self.unrecovered == self.retried
    }
}

/// How likely runs are while nothing changes.
pub trait RateLikelihood {
    /// Logarithm of the likelihood of counts at one unknown rate.
    fn ln(&self, counts: Counts) -> f64;
}

/// Likelihoods of counts, from tables of the logarithm of the gamma function.
#[derive(Debug)]
pub struct Likelihood {
    unexpected: Term,
    retries: Retries,
}

impl Likelihood {
    /// For counts that are part of a total.
    pub fn up_to(total: Counts) -> Self {
        Self { unexpected: Term::unexpected(total.runs), retries: Retries::up_to(total) }
    }
}

impl RateLikelihood for Likelihood {
    fn ln(&self, counts: Counts) -> f64 {
        self.unexpected.ln(counts.unexpected, counts.runs) + self.retries.ln(counts)
    }
}

/// The part of the likelihood that is about retries.
#[derive(Debug)]
pub struct Retries(Term);

impl Retries {
    /// For counts that are part of a total.
    pub fn up_to(total: Counts) -> Self {
        Self(Term::unrecovered(total.retried))
    }
}

impl RateLikelihood for Retries {
    fn ln(&self, counts: Counts) -> f64 {
        self.0.ln(counts.unrecovered, counts.retried)
    }
}

/// The likelihood of a number of successes, the rate having a beta prior.
#[derive(Debug)]
struct Term {
    constant: f64,
    /// lnΓ(k + a), lnΓ(k + b) and lnΓ(k + a + b) by k.
    tables: Cow<'static, [[f64; 3]]>,
}

/// Counts up to which tables are kept, each made when a history first needs it: those of nearly every history, of suites that
/// run every few minutes, and of whatever runs more often than that.
const KEPT: [u32; 3] = [1 << 12, 1 << 15, 1 << 18];

/// Tables of one prior, as far as they were needed.
type KeptTables = [OnceLock<Vec<[f64; 3]>>; KEPT.len()];

impl Term {
    fn unexpected(most: u32) -> Self {
        static TABLES: KeptTables = [const { OnceLock::new() }; KEPT.len()];
        Self::new(UNEXPECTED, most, &TABLES)
    }

    fn unrecovered(most: u32) -> Self {
        static TABLES: KeptTables = [const { OnceLock::new() }; KEPT.len()];
        Self::new(UNRECOVERED, most, &TABLES)
    }

    fn new((a, b): (f64, f64), most: u32, kept: &'static KeptTables) -> Self {
        let tables = match KEPT.into_iter().zip(kept).find(|(counts, _)| most <= *counts) {
            Some((counts, kept)) => Cow::Borrowed(kept.get_or_init(|| tables((a, b), counts)).as_slice()),
            None => Cow::Owned(tables((a, b), most)),
        };
        // lnΓ(a + b) - lnΓ(a) - lnΓ(b)
        let [first, second, both] = tables[0];
        Self { constant: both - first - second, tables }
    }

    fn ln(&self, part: u32, whole: u32) -> f64 {
        let row = |count: u32| &self.tables[count as usize];
        self.constant + row(part)[0] + row(whole - part)[1] - row(whole)[2]
    }
}

fn tables((a, b): (f64, f64), most: u32) -> Vec<[f64; 3]> {
    let shapes = [a, b, a + b];
    let mut row = shapes.map(lgamma);
    let mut tables = vec![row];
    for count in 0..most {
        // Γ(x + 1) = x Γ(x)
        row = std::array::from_fn(|shape| row[shape] + (f64::from(count) + shapes[shape]).ln());
        tables.push(row);
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_a_probability_of_sequences() {
        // All sequences of three runs together are certain: one for none or all, three for one or two.
        let term = Term::unexpected(3);
        let total: f64 =
            [1.0, 3.0, 3.0, 1.0].iter().zip(0u32..).map(|(ways, part)| ways * term.ln(part, 3).exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert!((term.ln(1, 1).exp() - 0.375).abs() < 1e-12);
    }

    #[test]
    fn counts_are_as_likely_in_a_total_of_any_size() {
        let likely = |most: u32| Term::unexpected(most).ln(7, 3000);
        for most in KEPT.into_iter().flat_map(|most| [most, most + 1]) {
            assert_eq!(likely(most), likely(3000), "{most}");
        }
    }
}
