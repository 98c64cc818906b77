//! The runs of a change in one suite: where each stands, which attempt it is, and what its upload says of it.

use std::collections::HashMap;

use form_urlencoded::Serializer;
use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::run_notes::{Change, RunNotes};
use schemars::JsonSchema;
use serde::Serialize;

use crate::changes::NamedCommit;
use crate::error::{AnswerError, broken};
use crate::late_runs::LateRuns;
use crate::reads::selection::RunPlace;
use crate::reads::{run_notes, under_review};
use crate::run_details::{self, Missing, RunDetails};

/// A run of a change.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReviewedRun {
    /// The configuration, with its SDK.
    pub configuration: Configuration,
    /// The commit.
    pub commit: NamedCommit,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Which run of this configuration, commit and part it is, counted from 1: the second is the first rerun.
    pub attempt: u32,
    /// Tests that ran.
    pub tests_run: u32,
    /// Those that failed unexpectedly.
    pub failed: u32,
    /// Whether it broke as a whole.
    pub is_broken: bool,
    /// Which part of a run it is, counted from 1.
    pub shard: Option<u32>,
    /// Its page in the CI.
    pub link: Option<String>,
    /// What is wrong with it that no test shows, a sentence each.
    pub problems: Vec<String>,
    /// What it should have and does not.
    pub missing: Option<Missing>,
    /// Path of the page that shows its failures.
    pub page: String,
}

/// A run, and where it stands.
pub(super) struct PlacedRun {
    pub(super) place: RunPlace,
    pub(super) run: ReviewedRun,
}

/// The runs of a change in a suite, and what they say of the change.
pub(super) struct Runs {
    /// Those that started last first.
    pub(super) all: Vec<PlacedRun>,
    /// What the newest run of each commit says of the change.
    said: HashMap<CommitKey, Change>,
}

impl Runs {
    /// The runs that a suite has of a change. The names of their commits are left to be filled in.
    pub(super) async fn of(own: &LateRuns<'_>) -> Result<Self, AnswerError> {
        let LateRuns { store, suite, selection, .. } = own;
        let stored = under_review::runs(store, suite, selection).await?;
        let placed = |run: &under_review::RunOfChange| Some((selection.configuration(&run.place())?, run.place()));
        let places: Vec<(Configuration, RunPlace)> = stored.iter().filter_map(placed).collect();
        let identity =
            |(configuration, place): &(Configuration, RunPlace)| (configuration.clone(), place.uuid, place.start_time);
        let identities = places.iter().map(identity).collect();
        let mut details = run_details::of_runs(store, suite, &selection.branch, identities).await?;
        let said = said(own, &places).await?;
        let mut all = Vec::with_capacity(stored.len());
        for row in stored {
            let place = row.place();
            let Some(configuration) = selection.configuration(&place) else { continue };
            let details = details.remove(&(configuration.clone(), place.uuid, place.start_time));
            let page = page(suite, &selection.branch, &configuration, &place);
            let (shard, link, problems, missing) = match details {
                Some(RunDetails { shard, link, problems, missing, .. }) => (shard, link, problems, missing),
                None => Default::default(),
            };
            let run = ReviewedRun {
                configuration,
                commit: NamedCommit { uuid: row.uuid, name: row.uuid.to_string(), hash: None, repository: None },
                start_time: row.start_time,
                attempt: 1,
                tests_run: row.tests_run,
                failed: row.tests_unexpected_failed,
                is_broken: row.is_broken,
                shard,
                link,
                problems,
                missing,
                page,
            };
            all.push(PlacedRun { place, run });
        }
        number(&mut all);
        Ok(Self { all, said })
    }

    /// The authors that the runs name, those of the newest first.
    pub(super) fn authors(&self) -> Vec<String> {
        let mut authors: Vec<String> = Vec::new();
        for author in self.all.iter().filter_map(|one| self.said.get(&one.place.uuid)).flat_map(|said| &said.authors) {
            if !authors.contains(author) {
                authors.push(author.clone());
            }
        }
        authors
    }

    /// The commit that the runs of a commit say their change is based on.
    pub(super) fn base(&self, commit: CommitKey) -> Option<&str> {
        self.said.get(&commit)?.base.as_deref()
    }

    /// The runs of a commit on a configuration.
    pub(super) fn on(&self, id: ConfigId, commit: CommitKey) -> impl Iterator<Item = &PlacedRun> {
        self.all.iter().filter(move |one| one.place.config_id == id && one.place.uuid == commit)
    }
}

/// What the newest runs of commits say of their change.
async fn said(
    own: &LateRuns<'_>,
    places: &[(Configuration, RunPlace)],
) -> Result<HashMap<CommitKey, Change>, AnswerError> {
    let LateRuns { store, suite, selection, .. } = own;
    let configurations = places.iter().map(|(_, place)| place.config_id).collect();
    let commits = places.iter().map(|(_, place)| place.uuid).collect();
    let mut said = HashMap::new();
    for row in run_notes::of_commits(store, suite, &selection.branch, &configurations, &commits).await? {
        let notes: RunNotes = serde_json::from_str(&row.notes).map_err(broken)?;
        if let Some(change) = notes.change {
            said.entry(row.uuid).or_insert(change);
        }
    }
    Ok(said)
}

/// Counts the runs of one configuration, commit and part, the oldest first.
fn number(runs: &mut [PlacedRun]) {
    let mut counts: HashMap<(ConfigId, String, CommitKey, Option<u32>), u32> = HashMap::new();
    for PlacedRun { place, run } in runs.iter_mut().rev() {
        let count = counts.entry((place.config_id, place.sdk.clone(), place.uuid, run.shard)).or_default();
        *count += 1;
        run.attempt = *count;
    }
}

/// The page that shows the failures of a run.
fn page(suite: &str, branch: &str, configuration: &Configuration, place: &RunPlace) -> String {
    let mut query = Serializer::new(String::new());
    let (commit, start) = (place.uuid.to_string(), place.start_time.to_string());
    let bounds = [("suite", suite), ("uuid", &commit), ("after_time", &start), ("before_time", &start)];
    query.extend_pairs(bounds).extend_pairs([("branch", branch), ("recent", "false")]);
    let (query, configuration) = (query.finish(), configuration.query());
    if configuration.is_empty() {
        return format!("/investigate?{query}");
    }
    format!("/investigate?{query}&{configuration}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(uuid: u64, start_time: u32, shard: Option<u32>) -> PlacedRun {
        let place = RunPlace { config_id: ConfigId(1), uuid: CommitKey(uuid), sdk: String::new(), start_time };
        let run = ReviewedRun {
            configuration: Configuration::default(),
            commit: NamedCommit { uuid: place.uuid, name: String::new(), hash: None, repository: None },
            start_time,
            attempt: 1,
            tests_run: 1,
            failed: 0,
            is_broken: false,
            shard,
            link: None,
            problems: Vec::new(),
            missing: None,
            page: page("a b", "change/1", &Configuration::default(), &place),
        };
        PlacedRun { place, run }
    }

    #[test]
    fn reruns_are_counted_within_a_commit_and_parts_are_none() {
        let mut runs =
            vec![run(8, 50, None), run(7, 40, Some(2)), run(7, 30, Some(1)), run(7, 20, None), run(7, 10, None)];
        number(&mut runs);
        let attempts: Vec<u32> = runs.iter().map(|one| one.run.attempt).collect();
        assert_eq!(attempts, [1, 1, 1, 2, 1]);
    }

    #[test]
    fn the_page_of_a_run_means_that_run_alone() {
        assert_eq!(
            run(7, 40, None).run.page,
            "/investigate?suite=a+b&uuid=7&after_time=40&before_time=40&branch=change%2F1&recent=false"
        );
    }
}
