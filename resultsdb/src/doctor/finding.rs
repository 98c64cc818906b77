//! What a check found, and how it is printed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::causes;

/// The longest text of a cause that is printed, characters: stores repeat whole statements in their errors.
const MAX_CAUSE: usize = 300;

/// How bad it is; the worst is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing fails yet: somebody should look at it.
    Look,
    /// Something fails, or will soon.
    Wrong,
}

/// What was found, and for all but what is well what to do about it. Both are sentences without their full stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) verdict: Verdict,
    pub(crate) found: String,
    pub(crate) advice: Option<String>,
}

/// A finding under the name of its check: one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) check: String,
    #[serde(flatten)]
    pub(crate) finding: Finding,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Wrong => "wrong",
        })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { verdict, found, advice } = &self.finding;
        write!(formatter, "{verdict:<5}  {}: {found}", self.check)?;
        match advice {
            Some(advice) => write!(formatter, ". {advice}."),
            None => Ok(()),
        }
    }
}

impl Finding {
    pub(crate) fn ok(found: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    pub(crate) fn look(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Look, found: found.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn wrong(found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wrong, found: found.into(), advice: Some(advice.into()) }
    }

    /// A check that itself failed.
    pub(crate) fn failed(error: &anyhow::Error, advice: &str) -> Self {
        Self::wrong(one_line(&causes::told(error)), advice)
    }

    /// What is well where there are no troubles; else all of them, with the advice about the first of the worst.
    pub(crate) fn of(troubles: Vec<Self>, well: impl Into<String>) -> Self {
        let Some(verdict) = troubles.iter().map(|trouble| trouble.verdict).max() else { return Self::ok(well) };
        let advice = troubles.iter().find(|trouble| trouble.verdict == verdict).and_then(|worst| worst.advice.clone());
        let found: Vec<String> = troubles.into_iter().map(|trouble| trouble.found).collect();
        Self { verdict, found: found.join("; "), advice }
    }
}

/// A text of several lines in one, which is not too long.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_CAUSE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_all_is_told() {
        let troubles =
            vec![Finding::look("one", "Do one"), Finding::wrong("two", "Do two"), Finding::wrong("three", "x")];
        let found = Finding::of(troubles, "well");
        assert_eq!(found, Finding::wrong("one; two; three", "Do two"));
        assert_eq!(Finding::of(Vec::new(), "well"), Finding::ok("well"));
        let line = Line { check: "disk".to_owned(), finding: found };
        assert_eq!(line.to_string(), "wrong  disk: one; two; three. Do two.");
    }

    #[test]
    fn causes_are_one_line() {
        let error = anyhow::anyhow!("Code: 60.\n  no such table").context("asking");
        assert_eq!(Finding::failed(&error, "Do").found, "asking: Code: 60. no such table");
        assert_eq!(one_line(&"ä".repeat(400)).chars().count(), MAX_CAUSE + 1);
    }
}
