//! A comparison as rows: one for each change on each configuration, and one for each configuration of which there is
//! something to say.

use analysis::compare::{ComparedState, Details};
use schema::configuration::Configuration;
use serde_json::Value;

use super::{ChangedTest, ComparedRun, ComparedSide, Comparison, UnpairedConfiguration};
use crate::error::AnswerError;
use crate::table::{self, CellKind, Column, Table, Tabular};

/// The change in rows of configurations whose two sides are the same runs.
const SAME_RUN: &str = "same_run";
/// The same of configurations that ran on one side only.
const BEFORE_ONLY: &str = "before_only";
const AFTER_ONLY: &str = "after_only";
/// Columns after those of the configuration.
const LAST: [(&str, CellKind); 6] = [
    ("before_states", CellKind::Text),
    ("after_states", CellKind::Text),
    ("before_uuid", CellKind::Whole),
    ("after_uuid", CellKind::Whole),
    ("before_stands_in", CellKind::Text),
    ("after_stands_in", CellKind::Text),
];

/// The values of the first columns: change, test, state or time before, and after.
type Change = [Value; 4];

/// Cells of a row about a configuration and its runs.
fn row(
    change: Change,
    states: [Value; 2],
    configuration: &Configuration,
    before: Option<&ComparedRun>,
    after: Option<&ComparedRun>,
) -> Result<Vec<Value>, AnswerError> {
    let mut last = states.to_vec();
    last.extend([before, after].map(|run| run.map_or(Value::Null, |run| run.uuid.0.into())));
    last.extend([before, after].map(|run| run.and_then(|run| run.stands_in.clone()).into()));
    table::row_with_configuration(change.to_vec(), configuration, last)
}

impl UnpairedConfiguration {
    fn rows(&self) -> Result<Vec<Vec<Value>>, AnswerError> {
        let of = |test: Value, state: Option<ComparedState>| {
            let own = state.map_or(Value::Null, |state| state.name().into());
            let other = if state.is_some() { ComparedState::NotRun.name().into() } else { Value::Null };
            let states = [Value::Null, Value::Null];
            match self.side {
                ComparedSide::Before => {
                    row([BEFORE_ONLY.into(), test, own, other], states, &self.configuration, Some(&self.run), None)
                }
                ComparedSide::After => {
                    row([AFTER_ONLY.into(), test, other, own], states, &self.configuration, None, Some(&self.run))
                }
            }
        };
        if self.tests.is_empty() {
            return Ok(vec![of(Value::Null, None)?]);
        }
        self.tests.iter().map(|failure| of(failure.test.as_str().into(), Some(failure.state))).collect()
    }
}

impl Tabular for Comparison {
    fn table(&self) -> Result<Table, AnswerError> {
        let mut rows = Vec::new();
        for test in &self.tests {
            let ChangedTest { change, test, before, after, runs, before_states, after_states } = test;
            for run in runs.iter().filter_map(|run| self.runs.get(*run)) {
                let change = [change.name().into(), test.as_str().into(), before.name().into(), after.name().into()];
                let states = [before_states.as_str().into(), after_states.as_str().into()];
                rows.push(row(change, states, &run.configuration, Some(&run.before), Some(&run.after))?);
            }
        }
        let blank = || [Value::Null, Value::Null];
        for run in self.runs.iter().filter(|run| run.same_run) {
            let change = [SAME_RUN.into(), Value::Null, Value::Null, Value::Null];
            rows.push(row(change, blank(), &run.configuration, Some(&run.before), Some(&run.after))?);
        }
        for unpaired in &self.unpaired {
            rows.extend(unpaired.rows()?);
        }
        if let ([run], Some(Details { added, removed, slower })) = (self.runs.as_slice(), &self.details) {
            let mut detail = |change: Change| {
                rows.push(row(change, blank(), &run.configuration, Some(&run.before), Some(&run.after))?);
                Ok::<_, AnswerError>(())
            };
            for (change, tests) in [("added", added), ("removed", removed)] {
                for test in tests {
                    detail([change.into(), test.as_str().into(), Value::Null, Value::Null])?;
                }
            }
            for (test, before, after) in slower {
                detail(["slower".into(), test.as_str().into(), (*before).into(), (*after).into()])?;
            }
        }
        let last = LAST.map(|(name, kind)| Column::new(name, kind)).to_vec();
        Ok(Table { columns: table::with_configuration(table::columns::<ChangedTest>(), last), rows })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use analysis::compare::Change;
    use schema::ids::CommitKey;
    use schema::state::State;

    use super::super::{ComparedCommit, ComparedConfiguration, UnpairedFailure};
    use super::*;

    fn configuration(style: &str) -> Configuration {
        Configuration { style: Some(style.to_owned()), ..Configuration::default() }
    }

    fn run(uuid: u64) -> ComparedRun {
        ComparedRun { uuid: CommitKey(uuid), start_time: 1, runs: 1, stands_in: None }
    }

    fn comparison(styles: &[&str], tests: Vec<ChangedTest>, details: Option<Details>) -> Comparison {
        let commit = |uuid| ComparedCommit { uuid: CommitKey(uuid), name: uuid.to_string() };
        let on = |style: &&str| ComparedConfiguration {
            configuration: configuration(style),
            before: run(1),
            after: run(2),
            same_run: false,
        };
        Comparison {
            suite: "s".into(),
            before: commit(1),
            after: commit(2),
            runs: styles.iter().map(on).collect(),
            unpaired: Vec::new(),
            counts: BTreeMap::new(),
            tests,
            details,
        }
    }

    #[test]
    fn a_change_has_a_row_for_each_configuration() {
        let test = ChangedTest {
            change: Change::New,
            test: "a".into(),
            before: ComparedState::NotRun,
            after: ComparedState::Ran(State::at(4)),
            runs: vec![0, 1],
            before_states: "NOTRUN".into(),
            after_states: "TEXT".into(),
        };
        let table = comparison(&["Debug", "Release"], vec![test], None).table().unwrap();
        let names: Vec<&str> = table.columns.iter().map(AsRef::as_ref).collect();
        assert_eq!((&names[..4], table.rows.len()), (&["change", "test", "before", "after"][..], 2));
        assert_eq!(names[4..13], schema::configuration::MEMBERS);
        assert_eq!(names[13..19], LAST.map(|(name, _)| name));
        assert_eq!(names[19..], ["labels"]);
        assert_eq!(table.rows[0][..4], ["new", "a", "NOTRUN", "TEXT"].map(Value::from));
        let last = ["NOTRUN".into(), "TEXT".into(), 1.into(), 2.into(), Value::Null, Value::Null, Value::Null];
        assert_eq!(table.rows[0][13..], last);
    }

    #[test]
    fn details_are_rows_of_the_one_configuration() {
        let details = Details { added: vec!["b".into()], removed: Vec::new(), slower: vec![("c".into(), 100, 900)] };
        let rows = comparison(&["Debug"], Vec::new(), Some(details)).table().unwrap().rows;
        assert_eq!(rows[0][..2], ["added", "b"].map(Value::from));
        assert_eq!(rows[1][1..4], ["c".into(), Value::from(100), 900.into()]);
    }

    #[test]
    fn what_could_not_be_compared_has_rows_too() {
        let mut comparison = comparison(&["Debug"], Vec::new(), None);
        comparison.runs[0].same_run = true;
        comparison.runs[0].after = ComparedRun { stands_in: Some("12@main".into()), ..run(1) };
        let failure = UnpairedFailure { test: "a".into(), state: ComparedState::Ran(State::CRASH) };
        for (side, tests) in [(ComparedSide::Before, vec![]), (ComparedSide::After, vec![failure])] {
            let configuration = configuration("Release");
            comparison.unpaired.push(UnpairedConfiguration { configuration, side, run: run(3), failed: 1, tests });
        }
        let table = comparison.table().unwrap();
        let first = |row: usize| table.rows[row][..4].to_vec();
        assert_eq!(first(0), [Value::from("same_run"), Value::Null, Value::Null, Value::Null]);
        assert_eq!(table.rows[0][17..19], [Value::Null, "12@main".into()]);
        assert_eq!(first(1), [Value::from("before_only"), Value::Null, Value::Null, Value::Null]);
        assert_eq!(first(2), ["after_only", "a", "NOTRUN", "CRASH"].map(Value::from));
        assert_eq!(table.rows[2][15..17], [Value::Null, 3.into()]);
    }
}
