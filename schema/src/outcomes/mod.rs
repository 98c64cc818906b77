//! What the tests of a run did, in so few bytes that weeks of runs can be read at once.
//!
//! Nearly every test does what was expected of it, run after run. A run therefore names the list of its tests, which most
//! runs share ([`roster`]), and keeps those of its outcomes that are not the usual ones ([`Surprise`]), and what failing tests
//! said ([`messages`]), and names the list of who owns its tests ([`owners`]). All of it follows from the document alone, so that a repeated upload, a late one and a rebuild make the same bytes again.
//!
//! Data flow: the processor collects a run's outcomes ([`Collector`]) → the run's row has the bytes of its surprises and the
//! id of its roster, `rosters` the parts of that → answers read them back ([`surprises`], [`messages::messages`],
//! [`roster::Part`]).

pub mod attempts;
pub mod messages;
pub mod owners;
pub mod roster;

use owners::OwnersCollector;

use crate::ids::TestId;
use crate::state::{PASS, State, States};

/// Bytes of a surprise: the test, both sets of states, the time.
const SURPRISE_BYTES: usize = 16;
/// The bit of a time that says that an attempt passed. Times have fewer.
const PASSED_BIT: u32 = 1 << 31;

/// The outcome of a test in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What it did.
    pub actual: States,
    /// What it was expected to do.
    pub expected: States,
    /// Whether an attempt passed, as the uploader counted them.
    pub has_passed: bool,
    /// How long it took, all attempts together, milliseconds; 0 if nobody measured it.
    pub time: u32,
}

/// An outcome that is not the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surprise {
    /// The test.
    pub test: TestId,
    /// What it did.
    pub outcome: Outcome,
}

/// What a test does of which nothing is told: it passes where it may, else it does the one thing that is expected. None
/// where several failures are, since each of them tells something.
pub fn usual(expected: States) -> Option<States> {
    let is_single = expected.bits().is_power_of_two();
    if expected.bits() & 1 << PASS != 0 { Some(passing()) } else { is_single.then_some(expected) }
}

/// What is expected of a test of which nothing else is said.
pub fn passing() -> States {
    States::from_bits(1 << PASS)
}

impl Outcome {
    /// The outcome of a test that did the usual; several failures that are expected stand for the worst of them.
    pub fn usual(expected: States) -> Self {
        let worst = |states: States| States::from_bits(1 << states.worst_state().position());
        let actual = usual(expected).unwrap_or_else(|| worst(expected));
        Self { actual, expected, has_passed: false, time: 0 }
    }

    /// Whether nothing has to be kept of it beside what was expected.
    pub fn is_usual(&self) -> bool {
        usual(self.expected) == Some(self.actual) && !self.has_passed
    }

    /// Whether it failed unexpectedly.
    pub fn has_failed(&self) -> bool {
        self.worst_unexpected().is_failure()
    }

    /// The worst unexpected state; PASS if everything was expected.
    pub fn worst_unexpected(&self) -> State {
        self.actual.unexpected_state(self.expected)
    }
}

/// Collects the outcomes of one run.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    tests: Vec<u64>,
    expectations: Vec<(u64, u16)>,
    surprises: Vec<Surprise>,
    messages: Vec<u8>,
    owners: OwnersCollector,
}

/// What is stored of the outcomes of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected {
    /// Who ran, and what was expected of whom.
    pub roster: roster::Roster,
    /// Bytes of [`surprises`].
    pub surprises: Vec<u8>,
    /// Bytes of [`messages::messages`].
    pub messages: Vec<u8>,
    /// Who owns the tests; none if the upload names nobody.
    pub owners: Option<roster::Roster>,
}

impl Collector {
    /// Adds the outcome of a test. One that did not run is left out: nothing is known of it.
    pub fn push(&mut self, test: TestId, outcome: Outcome) {
        if !outcome.actual.ran() {
            return;
        }
        self.tests.push(test.0);
        if outcome.expected != passing() {
            self.expectations.push((test.0, outcome.expected.bits()));
        }
        if !outcome.is_usual() {
            self.surprises.push(Surprise { test, outcome });
        }
    }

    /// Adds what a failing test said.
    pub fn say(&mut self, test: TestId, log: &str) {
        messages::add(&mut self.messages, test, log);
    }

    /// Adds the owners of a test, of whom there is one at least.
    pub fn own(&mut self, test: TestId, owners: &[String]) {
        self.owners.push(test, owners);
    }

    /// What is stored of them.
    pub fn finish(self) -> Collected {
        let Self { tests, expectations, mut surprises, messages, owners } = self;
        let owners = owners.finish(&tests);
        surprises.sort_by_key(|surprise| surprise.test);
        let mut bytes = Vec::with_capacity(surprises.len() * SURPRISE_BYTES);
        for Surprise { test, outcome } in surprises {
            let passed = if outcome.has_passed { PASSED_BIT } else { 0 };
            bytes.extend(test.0.to_le_bytes());
            bytes.extend(outcome.actual.bits().to_le_bytes());
            bytes.extend(outcome.expected.bits().to_le_bytes());
            bytes.extend((outcome.time.min(PASSED_BIT - 1) | passed).to_le_bytes());
        }
        Collected { roster: roster::Roster::of(tests, expectations), surprises: bytes, messages, owners }
    }
}

/// Reads the surprises of a run, by test; bytes behind the last whole one say nothing.
pub fn surprises(bytes: &[u8]) -> impl Iterator<Item = Surprise> + '_ {
    let (whole, _) = bytes.as_chunks::<SURPRISE_BYTES>();
    whole.iter().map(|bytes| {
        let [t0, t1, t2, t3, t4, t5, t6, t7, a0, a1, e0, e1, m0, m1, m2, m3] = *bytes;
        let time = u32::from_le_bytes([m0, m1, m2, m3]);
        Surprise {
            test: TestId(u64::from_le_bytes([t0, t1, t2, t3, t4, t5, t6, t7])),
            outcome: Outcome {
                actual: States::from_bits(u16::from_le_bytes([a0, a1])),
                expected: States::from_bits(u16::from_le_bytes([e0, e1])),
                has_passed: time & PASSED_BIT != 0,
                time: time & !PASSED_BIT,
            },
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn outcomes() -> impl Strategy<Value = BTreeMap<u64, Outcome>> {
        let one = (any::<u16>(), prop_oneof![Just(1_u16 << PASS), any::<u16>()], any::<bool>(), 0..1_000_000_000_u32);
        let one = one.prop_map(|(actual, expected, has_passed, time)| Outcome {
            actual: States::from_bits(actual),
            expected: States::from_bits(expected),
            has_passed,
            time,
        });
        proptest::collection::btree_map(any::<u64>(), one, 0..1500)
    }

    fn collected(outcomes: &BTreeMap<u64, Outcome>) -> Collected {
        let mut collector = Collector::default();
        for (test, outcome) in outcomes {
            collector.push(TestId(*test), *outcome);
        }
        collector.finish()
    }

    #[test]
    fn what_is_usual_takes_no_bytes() {
        let of = |actual: &str, expected: &str| {
            let (actual, expected) = (States::parse(actual), States::parse(expected));
            let outcome = Outcome { actual, expected, has_passed: false, time: 7 };
            collected(&[(1, outcome)].into()).surprises.len()
        };
        assert_eq!((of("PASS", "PASS"), of("TEXT", "TEXT"), of("PASS", "PASS TEXT"), of("SKIP", "PASS")), (0, 0, 0, 0));
        assert_eq!(
            (of("TEXT", "PASS"), of("PASS", "TEXT"), of("TEXT", "TEXT CRASH"), of("TEXT PASS", "PASS")),
            (16, 16, 16, 16)
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_outcome_of_a_test_that_ran_comes_back(outcomes in outcomes()) {
            let collected = collected(&outcomes);
            let read: BTreeMap<TestId, Outcome> =
                surprises(&collected.surprises).map(|surprise| (surprise.test, surprise.outcome)).collect();
            let roster = roster::tests::read_back(&collected.roster);
            for (test, outcome) in &outcomes {
                let expected = roster.expected(TestId(*test));
                prop_assert_eq!(expected, outcome.actual.ran().then_some(outcome.expected));
                let found = read.get(&TestId(*test)).copied().or(expected.map(Outcome::usual));
                prop_assert_eq!(found.map(|found| (found.actual, found.expected, found.has_passed)),
                    outcome.actual.ran().then_some((outcome.actual, outcome.expected, outcome.has_passed)));
            }
            prop_assert!(read.values().all(|outcome| outcome.time < PASSED_BIT));
        }
    }
}
