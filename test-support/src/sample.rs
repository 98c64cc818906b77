//! Samples of property tests' strategies, for tests that ask one server many questions.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// A value that the strategy makes.
pub fn sample<T>(runner: &mut TestRunner, strategy: impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}
