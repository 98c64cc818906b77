//! Checks that ask the same server: where it does not answer the first, the others do not wait for it one by one.

use std::future::Future;
use std::time::Duration;

use anyhow::bail;

use super::finding::{Finding, Line, Verdict};

/// How long a check may take; listing an archive of years is the slowest.
const PATIENCE: Duration = Duration::from_secs(120);

/// Checks of one server or place.
pub(crate) struct Group {
    /// What is checked, for those that cannot be.
    server: &'static str,
    /// What to do where a check itself fails.
    remedy: &'static str,
    is_away: bool,
    lines: Vec<Line>,
}

impl Group {
    pub(crate) fn new(server: &'static str, remedy: &'static str) -> Self {
        Self { server, remedy, is_away: false, lines: Vec::new() }
    }

    /// The check that tells whether the server answers at all: others are not tried where it fails.
    pub(crate) async fn reach(&mut self, check: &str, asked: impl Future<Output = anyhow::Result<Finding>>) {
        let answer = answer(asked).await;
        self.is_away = answer.is_err();
        self.push(check, answer);
    }

    /// A check of a server that answers.
    pub(crate) async fn ask(&mut self, check: &str, asked: impl Future<Output = anyhow::Result<Finding>>) {
        if self.is_away {
            let found = format!("not checked, because {} does not answer", self.server);
            self.lines.push(Line {
                check: check.to_owned(),
                finding: Finding::wrong(found, "Mend that first, and check again"),
            });
            return;
        }
        let answer = answer(asked).await;
        self.push(check, answer);
    }

    fn push(&mut self, check: &str, answer: anyhow::Result<Finding>) {
        let finding = answer.unwrap_or_else(|error| Finding::failed(&error, self.remedy));
        self.lines.push(Line { check: check.to_owned(), finding });
    }

    pub(crate) fn lines(self) -> Vec<Line> {
        self.lines
    }
}

async fn answer(asked: impl Future<Output = anyhow::Result<Finding>>) -> anyhow::Result<Finding> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer,
        Err(_) => bail!("no answer within {} seconds", PATIENCE.as_secs()),
    }
}

/// The worst of all lines.
pub(crate) fn worst(lines: &[Line]) -> Verdict {
    lines.iter().map(|line| line.finding.verdict).max().unwrap_or(Verdict::Ok)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_that_is_away_is_not_asked_again() {
        let mut group = Group::new("the store", "Start it");
        group.ask("before", async { bail!("one fails") }).await;
        group.reach("store", async { bail!("refused") }).await;
        group.ask("parts", async { Ok(Finding::ok("never")) }).await;
        let lines: Vec<String> = group.lines().iter().map(Line::to_string).collect();
        assert_eq!(lines[0], "wrong  before: one fails. Start it.");
        assert_eq!(lines[1], "wrong  store: refused. Start it.");
        assert_eq!(
            lines[2],
            "wrong  parts: not checked, because the store does not answer. Mend that first, and check again."
        );
    }
}
