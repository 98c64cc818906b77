//! Results of runs as the store keeps them: column by column, with the members that all tests of a run share kept once.

use std::ops::Range;

use super::native::Block;

/// The columns of table `results`.
const COLUMNS: usize = 12;

/// The members that all rows of one run under one branch key share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Name of the suite.
    pub suite: String,
    /// Branch key: `default` for a default branch, else the name of the branch.
    pub branch: String,
    /// Identity of the configuration without its SDK ([`crate::configuration::Configuration::id`]).
    pub config_id: u64,
    /// Place of the run's newest commit in time: 100 × its commit time in seconds since 1970 + its order within that
    /// second.
    pub uuid: u64,
    /// SDK that the run was built with; empty for none.
    pub sdk: String,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Offset of the event in its partition plus one; of rows with one key the largest version counts.
    pub version: u64,
}

/// Results of one run: one entry a test in each column, in the order of the upload.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResults {
    /// The members that all results share.
    pub run: Run,
    test_ids: Vec<u64>,
    actual: Vec<u16>,
    expected: Vec<u16>,
    times_and_one: Vec<u32>,
    /// The texts of all results, one after the other.
    extras: String,
    /// Byte of `extras` at which the text of each result ends.
    extra_ends: Vec<usize>,
}

/// One test in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultRow<'a> {
    /// Hash of the suite and the test ([`crate::configuration::stable_hash`]).
    pub test_id: u64,
    /// States that the test had: bit n stands for position n in [`crate::state::NAMES`] or, after those, in
    /// [`crate::state::NOT_RAN`].
    pub actual: u16,
    /// States that were expected of it, in the same form.
    pub expected: u16,
    /// Milliseconds that the test took, plus one; 0 for a test that was not measured.
    pub time_and_one: u32,
    /// JSON text of the other members of the test's result; empty for none.
    pub extra: &'a str,
}

impl RunResults {
    /// No results yet.
    pub fn of(run: Run) -> Self {
        let (test_ids, actual, expected, times_and_one, extras, extra_ends) = Default::default();
        Self { run, test_ids, actual, expected, times_and_one, extras, extra_ends }
    }

    /// Adds a test's result.
    pub fn push(&mut self, row: ResultRow<'_>) {
        self.test_ids.push(row.test_id);
        self.actual.push(row.actual);
        self.expected.push(row.expected);
        self.times_and_one.push(row.time_and_one);
        self.extras.push_str(row.extra);
        self.extra_ends.push(self.extras.len());
    }

    fn extra(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.extra_ends[before]);
        &self.extras[start..self.extra_ends[row]]
    }

    /// Number of tests.
    pub fn len(&self) -> usize {
        self.test_ids.len()
    }

    /// Whether there are no tests.
    pub fn is_empty(&self) -> bool {
        self.test_ids.is_empty()
    }
}

/// Splits runs into ranges of at most `most` results each; a run that has more is a range by itself.
pub fn portions(runs: &[RunResults], most: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let begin = start;
        let mut rows = 0;
        while let Some(run) = runs.get(start)
            && (start == begin || rows + run.len() <= most)
        {
            rows += run.len();
            start += 1;
        }
        (begin < start).then_some(begin..start)
    })
}

/// The rows of some runs as a block for the engine, in the order of the table's sorting key, because sorting them takes
/// the engine twice as long.
pub fn block(runs: &[RunResults]) -> Block {
    let order = order(runs);
    let shared = |place: &Place| &runs[place.run].run;
    let mut block = Block::new(COLUMNS, order.len());
    block.repeated("suite", runs.iter().map(|of| of.run.suite.as_str()), order.iter().map(|place| place.run));
    block.fixed("test_id", "UInt64", order.iter().map(|place| place.test_id.to_le_bytes()));
    block.repeated("branch", runs.iter().map(|of| of.run.branch.as_str()), order.iter().map(|place| place.run));
    block.fixed("config_id", "UInt64", order.iter().map(|place| shared(place).config_id.to_le_bytes()));
    block.fixed("uuid", "UInt64", order.iter().map(|place| shared(place).uuid.to_le_bytes()));
    block.repeated("sdk", runs.iter().map(|of| of.run.sdk.as_str()), order.iter().map(|place| place.run));
    block.fixed("start_time", "UInt32", order.iter().map(|place| shared(place).start_time.to_le_bytes()));
    block.fixed("actual", "UInt16", order.iter().map(|place| runs[place.run].actual[place.row].to_le_bytes()));
    block.fixed("expected", "UInt16", order.iter().map(|place| runs[place.run].expected[place.row].to_le_bytes()));
    block.fixed(
        "time_and_one",
        "UInt32",
        order.iter().map(|place| runs[place.run].times_and_one[place.row].to_le_bytes()),
    );
    block.texts("extra", order.iter().map(|place| runs[place.run].extra(place.row)));
    block.fixed("version", "UInt64", order.iter().map(|place| shared(place).version.to_le_bytes()));
    block
}

/// A row and its sorting key: the rank of its suite, its test, the rank of its run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    suite: u32,
    test_id: u64,
    rank: u32,
    run: usize,
    row: usize,
}

fn order(runs: &[RunResults]) -> Vec<Place> {
    let mut ranked: Vec<usize> = (0..runs.len()).collect();
    let key = |run: &Run| (run.branch.clone(), run.config_id, run.uuid, run.sdk.clone(), run.start_time);
    ranked.sort_by_cached_key(|index| key(&runs[*index].run));
    let mut suites: Vec<&str> = runs.iter().map(|of| of.run.suite.as_str()).collect();
    suites.sort_unstable();
    suites.dedup();
    let mut order = Vec::with_capacity(runs.iter().map(RunResults::len).sum());
    for (rank, run) in ranked.into_iter().enumerate() {
        let suite = suites.partition_point(|suite| *suite < runs[run].run.suite.as_str()) as u32;
        let ids = runs[run].test_ids.iter().enumerate();
        order.extend(ids.map(|(row, test_id)| Place { suite, test_id: *test_id, rank: rank as u32, run, row }));
    }
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(uuid: u64, tests: &[u64]) -> RunResults {
        let (suite, branch, sdk) = (format!("suite {}", uuid / 10), String::new(), String::new());
        let mut run = RunResults::of(Run { suite, branch, config_id: 1, uuid, sdk, start_time: 3, version: 4 });
        for test_id in tests {
            let extra = test_id.to_string();
            run.push(ResultRow { test_id: *test_id, actual: 0, expected: 0, time_and_one: 0, extra: &extra });
        }
        run
    }

    #[test]
    fn rows_are_in_the_order_of_the_sorting_key() {
        let runs = [run(12, &[5, 10, 2]), run(25, &[1]), run(11, &[10, 7])];
        let order = order(&runs);
        let row = |at: &Place| (runs[at.run].run.uuid, runs[at.run].test_ids[at.row], runs[at.run].extra(at.row));
        let found: Vec<_> = order.iter().map(row).collect();
        assert_eq!(found, [(12, 2, "2"), (12, 5, "5"), (11, 7, "7"), (11, 10, "10"), (12, 10, "10"), (25, 1, "1")]);
    }

    #[test]
    fn portions_are_bounded_and_complete() {
        let of = |counts: &[usize]| {
            let runs: Vec<RunResults> = counts.iter().map(|count| run(1, &vec![1; *count])).collect();
            portions(&runs, 10).collect::<Vec<_>>()
        };
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[4, 6, 1, 25, 3]), [0..2, 2..3, 3..4, 4..5]);
        assert_eq!(of(&[0, 0, 11]), [0..2, 2..3]);
    }
}
