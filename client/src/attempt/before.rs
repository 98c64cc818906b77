//! Asks the server how often a test failed before it was mended.

use analysis::mending::Unmended;
use anyhow::Context;
use schema::configuration::Configuration;
use serde::{Deserialize, Serialize};

use crate::machine;
use crate::server::Server;

/// What is asked about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) suite: &'q str,
    pub(super) test: &'q str,
    pub(super) branch: Option<&'q str>,
    /// Members that the configurations have.
    pub(super) configuration: &'q [(String, String)],
    /// The certainty that is wanted.
    pub(super) confidence: f64,
}

/// Runs of the branch that reruns are compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Before {
    /// The configuration; none where the test failed on none, and the runs of all are counted.
    pub(super) configuration: Option<String>,
    /// How the test is doing there.
    pub(super) standing: Option<String>,
    /// Runs in which the test passed or failed unexpectedly.
    pub(super) runs: u32,
    /// Those of them in which it failed.
    pub(super) failed: u32,
    /// Runs beside these in which it failed as expected. They say nothing of a failure that nobody expects.
    pub(super) expected_failures: u32,
    /// The share of the runs that failed.
    pub(super) rate: f64,
}

impl Before {
    /// What is known of one configuration.
    fn on(place: &Place) -> Self {
        let configuration = Some(place.configuration.name());
        Self {
            configuration,
            standing: Some(place.standing.clone()),
            ..Self::of(place.unmended(), place.expected_failures)
        }
    }

    fn of(Unmended { runs, failed }: Unmended, expected_failures: u32) -> Self {
        let rate = if runs == 0 { 0.0 } else { f64::from(failed) / f64::from(runs) };
        Self { configuration: None, standing: None, runs, failed, expected_failures, rate }
    }

    /// How often the test failed; none if it did not.
    pub(super) fn unmended(&self) -> Option<Unmended> {
        (self.failed > 0).then_some(Unmended { runs: self.runs, failed: self.failed })
    }
}

#[derive(Deserialize)]
struct Answer {
    places: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    configuration: Configuration,
    standing: String,
    runs: u32,
    unexpected: u32,
    #[serde(default)]
    expected_failures: u32,
}

impl Place {
    fn unmended(&self) -> Unmended {
        Unmended { runs: self.runs, failed: self.unexpected.min(self.runs) }
    }

    /// How much the place has to say of a failure, the least first: where the test fails, where it failed until it was
    /// fixed, and where a failure was an exception.
    fn rank(&self) -> u8 {
        match self.standing.as_str() {
            "new" | "failing" | "flaky" => 0,
            "fixed" => 1,
            _ => 2,
        }
    }
}

/// How often the test failed; none where no run of it is known. Of several configurations it is the one on which the test
/// fails most rarely, which needs the most reruns.
///
/// # Errors
/// The server does not answer, or says nothing of the test.
pub(super) fn ask(server: &Server, question: &Question<'_>) -> anyhow::Result<Option<Before>> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("suite", question.suite).append_pair("test", question.test);
    if let Some(branch) = question.branch {
        query.append_pair("branch", branch);
    }
    query.extend_pairs(question.configuration.iter().map(machine::asked));
    let text = server.get(&format!("/api/standing?{}", query.finish()))?;
    let answer: Answer = serde_json::from_str(&text)
        .context("the server's answer says nothing of the test: is it older than this command?")?;
    Ok(chosen(&answer.places, question.confidence))
}

fn chosen(places: &[Place], confidence: f64) -> Option<Before> {
    let failed = places.iter().filter(|place| place.unexpected > 0 && place.runs > 0);
    let needed = |place: &Place| place.unmended().reruns(0, confidence).unwrap_or(u32::MAX);
    let most = failed.min_by_key(|place| (place.rank(), std::cmp::Reverse(needed(place))));
    if let Some(place) = most {
        return Some(Before::on(place));
    }
    let sum = |count: fn(&Place) -> u32| places.iter().map(count).fold(0, u32::saturating_add);
    let (runs, expected) = (sum(|place| place.runs), sum(|place| place.expected_failures));
    (runs > 0 || expected > 0).then(|| Before::of(Unmended { runs, failed: 0 }, expected))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(places: &[(&str, &str, u32, u32)]) -> Option<(String, u32, u32)> {
        let place = |(platform, standing, runs, unexpected): &(&str, &str, u32, u32)| {
            let configuration = json!({ "platform": platform });
            let place = json!({
                "configuration": configuration, "standing": standing, "runs": runs, "unexpected": unexpected, "more": 1,
            });
            serde_json::from_value(place).unwrap()
        };
        let places: Vec<Place> = places.iter().map(place).collect();
        let before = chosen(&places, 0.95)?;
        Some((before.configuration.unwrap_or_default(), before.runs, before.failed))
    }

    #[test]
    fn the_configuration_counts_that_needs_the_most_reruns_of_those_that_fail() {
        let linux = ("linux", "flaky", 20, 5);
        assert_eq!(of(&[linux, ("mac", "failing", 20, 20)]), Some(("linux".to_owned(), 20, 5)));
        // An exception elsewhere, and a fix that came already, are no measure where the test fails.
        let others = [("mac", "passing", 400, 1), linux, ("win", "fixed", 9, 3)];
        assert_eq!(of(&others), Some(("linux".to_owned(), 20, 5)));
        assert_eq!(of(&[others[0], others[2]]), Some(("win".to_owned(), 9, 3)));
        assert_eq!(of(&others[..1]), Some(("mac".to_owned(), 400, 1)));
        assert_eq!(
            of(&[("mac", "passing", 7, 0), ("win", "removed", u32::MAX, 0)]),
            Some((String::new(), u32::MAX, 0))
        );
        assert_eq!((of(&[]), of(&[("mac", "passing", 0, 9)])), (None, None));
        assert_eq!(of(&[("mac", "flaky", 3, 9)]), Some(("mac".to_owned(), 3, 3)));
    }
}
