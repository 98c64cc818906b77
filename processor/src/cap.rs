//! Stops a consumer that fails at most of what it reads: a bad deployment must not drain the log into dead letters.

use std::collections::VecDeque;

/// Events that are remembered.
const RECENT: usize = 1000;
/// Fewer dead letters than this say nothing about a deployment.
const FEW: usize = 20;

/// Which of the last events could not be processed.
#[derive(Debug, Default)]
pub(crate) struct Cap(VecDeque<bool>);

impl Cap {
    /// Remembers a batch; answers how many of how many events failed if that is more than half of them.
    pub(crate) fn exceeded(&mut self, dead: usize, alive: usize) -> Option<(usize, usize)> {
        self.0.extend(std::iter::repeat_n(true, dead).chain(std::iter::repeat_n(false, alive)));
        let old = self.0.len().saturating_sub(RECENT);
        self.0.drain(..old);
        let (dead, of) = (self.0.iter().filter(|dead| **dead).count(), self.0.len());
        (dead > FEW && dead * 2 > of).then_some((dead, of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bad_events_stop_nothing_and_a_majority_does() {
        let mut cap = Cap::default();
        assert_eq!(cap.exceeded(FEW, 0), None);
        assert_eq!(cap.exceeded(1, 0), Some((21, 21)));
        let mut cap = Cap::default();
        assert_eq!(cap.exceeded(0, 100), None);
        assert_eq!(cap.exceeded(100, 0), None);
        assert_eq!(cap.exceeded(1, 0), Some((101, 201)));
        for _ in 0..100 {
            assert_eq!(Cap::default().exceeded(1, 10), None);
        }
        // Old ones are forgotten.
        assert_eq!(cap.exceeded(0, RECENT), None);
        assert_eq!(cap.exceeded(0, 0), None);
    }
}
