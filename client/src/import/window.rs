//! Windows of commits: a server answers at most so many uploads of a partition, and which ones it leaves out differs
//! between versions. So a window that comes back full is asked for again in halves, and none is ever believed to be whole
//! unless it came back with room to spare.

use super::ORDERS;

/// Uploads that one question asks for. A document may have several megabytes.
const LIMIT: usize = 8;
/// The first window, uuids: a day of commits.
const FIRST: u64 = 24 * 3600 * ORDERS;

/// uuids of commits, both ends included, and how many uploads may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) limit: usize,
}

/// The windows of one partition, as wide as they can be.
#[derive(Debug)]
pub(super) struct Windows {
    window: Window,
    width: u64,
    end: u64,
}

impl Windows {
    /// Windows from `begin` to `end`, both included.
    pub(super) fn new(begin: u64, end: u64) -> Self {
        let window = Window { first: begin, last: 0, limit: LIMIT };
        Self { window, width: FIRST, end }
    }

    /// The window that is to be asked for; none at the end.
    pub(super) fn next(&mut self) -> Option<Window> {
        let last = self.window.first.saturating_add(self.width - 1).min(self.end);
        self.window.last = last;
        (self.window.first <= self.end).then_some(self.window)
    }

    /// Whether what came for the window is all that it has. Then the next window comes after it, else a smaller one.
    pub(super) fn holds(&mut self, uploads: usize) -> bool {
        let Window { first, last, limit } = self.window;
        if uploads < limit {
            self.window = Window { first: last + 1, last, limit: LIMIT };
            if uploads < LIMIT / 2 {
                self.width = self.width.saturating_mul(2);
            }
            return true;
        }
        if last > first {
            self.width = (last - first).div_ceil(2);
        } else {
            // One commit has more runs.
            self.window.limit = limit.saturating_mul(2);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_upload_comes_once_whichever_a_full_answer_leaves_out(
            mut uuids in prop::collection::vec(0_u64..40, 0..60),
            spread in prop::sample::select(vec![1_u64, 100, 50_000_000]),
            newest in any::<bool>(),
        ) {
            uuids.sort_unstable();
            let uuids: Vec<u64> = uuids.iter().map(|uuid| uuid * spread).collect();
            let mut windows = Windows::new(0, 40 * spread);
            let (mut seen, mut questions) = (Vec::<u64>::new(), 0);
            while let Some(window) = windows.next() {
                questions += 1;
                prop_assert!(questions < 2_000);
                let of_window: Vec<u64> =
                    uuids.iter().copied().filter(|uuid| (window.first..=window.last).contains(uuid)).collect();
                let count = of_window.len().min(window.limit);
                let from = if newest { of_window.len() - count } else { 0 };
                if windows.holds(count) {
                    seen.extend(&of_window[from..from + count]);
                }
            }
            prop_assert_eq!(seen, uuids);
        }
    }

    #[test]
    fn years_without_uploads_cost_few_questions() {
        let mut windows = Windows::new(0, 10 * 365 * FIRST);
        let mut questions = 0;
        while windows.next().is_some() {
            questions += 1;
            windows.holds(0);
        }
        assert!(questions < 16, "{questions}");
    }
}
