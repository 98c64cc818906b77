//! Results of runs, kept as the store keeps them: column by column, what a run's tests share only once.

use std::ops::Range;

use super::native::Block;

/// The columns of table `results`.
const COLUMNS: usize = 12;

/// What every row of one run under one branch key shares.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Run {
    pub suite: String,
    pub branch: String,
    pub config_id: u64,
    pub uuid: u64,
    pub sdk: String,
    pub start_time: u32,
    pub version: u64,
}

/// Results of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunResults {
    /// What they share.
    pub run: Run,
    test_ids: Vec<u64>,
    actual: Vec<u16>,
    expected: Vec<u16>,
    times_and_one: Vec<u32>,
    extras: String,
    extra_ends: Vec<usize>,
}

/// One test in a run: `time_and_one` is 0 for no time, `extra` the JSON text of the leaf's other members, empty for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ResultRow<'a> {
    pub test_id: u64,
    pub actual: u16,
    pub expected: u16,
    pub time_and_one: u32,
    pub extra: &'a str,
}

impl RunResults {
    /// None yet.
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

    /// How many tests there are.
    pub fn len(&self) -> usize {
        self.test_ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.test_ids.is_empty()
    }
}

/// Ranges of runs that have at most that many results each, or one run.
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

/// The rows of some runs as the engine takes them, in the order of the table's sorting key: the engine takes twice as long
/// to bring them into that order.
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

/// A row, and by what it is sorted: its suite's rank, its test, its run's rank.
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
