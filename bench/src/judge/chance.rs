//! What the simulation draws.

use crate::random::Random;

impl Random {
    /// A number from 0 up to, not including, 1.
    pub(super) fn share(&mut self) -> f64 {
        self.below(1 << 30) as f64 / (1u64 << 30) as f64
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A number between two, its logarithm being uniform.
    pub(super) fn log_uniform(&mut self, least: f64, most: f64) -> f64 {
        (least.ln() + self.share() * (most.ln() - least.ln())).exp()
    }
}
