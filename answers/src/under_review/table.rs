//! Changes as rows: one for each failure on each configuration, or one for each change.

use super::{ChangeUnderReview, RecentChange, RecentChanges};
use crate::error::AnswerError;
use crate::table::{self, CellKind, Column, Table, Tabular};

/// Columns before those of the configuration.
const FIRST: [&str; 6] = ["suite", "test", "verdict", "now", "state", "message"];
/// Columns after them.
const LAST: [(&str, CellKind); 4] =
    [("commit", CellKind::Text), ("runs", CellKind::Whole), ("failed", CellKind::Whole), ("why", CellKind::Text)];

impl Tabular for ChangeUnderReview {
    fn table(&self) -> Result<Table, AnswerError> {
        let mut rows = Vec::new();
        for (suite, failure) in self.suites.iter().flat_map(|of| of.failures.iter().map(|one| (&of.suite, one))) {
            let first = vec![
                suite.as_str().into(),
                failure.test.as_str().into(),
                failure.verdict.map(|verdict| verdict.name()).into(),
                failure.now.name().into(),
                failure.state.name().into(),
                failure.message.clone().into(),
            ];
            let why = failure.reasons.as_ref().map(|reasons| reasons.text.clone());
            let last =
                vec![failure.commit.name.as_str().into(), failure.runs.into(), failure.failed.into(), why.into()];
            rows.push(table::row_with_configuration(first, &failure.configuration, last)?);
        }
        let first = FIRST.map(|name| Column::new(name, CellKind::Text)).to_vec();
        let last = LAST.map(|(name, kind)| Column::new(name, kind)).to_vec();
        Ok(Table { columns: table::with_configuration(first, last), rows })
    }

    fn markdown(&self) -> Option<&str> {
        Some(&self.comment)
    }
}

impl Tabular for RecentChanges {
    fn table(&self) -> Result<Table, AnswerError> {
        table::of_rows::<RecentChange>(&self.changes)
    }
}
