//! Runs with what their uploads say of them beside the results: where they come from, what is wrong with them, and what is
//! missing of them.
//!
//! Data flow: places of runs, from a selection or from their page in the CI → the notes of all runs of the same commits and
//! configurations, for a run's parts come as uploads of their own → [`RunDetails`].

mod missing;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schema::configuration::Configuration;
use schema::ids::{CommitKey, ConfigId};
use schema::run_notes::RunNotes;
use schemars::JsonSchema;
use serde::Serialize;

pub use missing::Missing;
use missing::{Parts, add_tests};

use crate::error::{AnswerError, broken};
use crate::links::RunIdentity;
use crate::reads::selection::{OfConfiguration, RunPlace, Selection};
use crate::reads::{configurations, run_notes};
use crate::results;
use crate::store::Store;

/// Runs whose missing tests are looked for, because that reads documents.
const MAX_SEARCHED: usize = 20;

/// What is known of a run beside its results. Members that its upload does not say are left out.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunDetails {
    /// The suite.
    pub suite: String,
    /// The branch key: `default` for a default branch.
    pub branch: String,
    /// The configuration.
    pub configuration: Configuration,
    /// The commit.
    pub uuid: CommitKey,
    /// Start of the run, seconds since 1970.
    pub start_time: u32,
    /// Its id in the CI.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub id: Option<String>,
    /// Its page in the CI.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub link: Option<String>,
    /// The test runner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub tool: Option<String>,
    /// What the test command ended with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i32")]
    pub exit_code: Option<i32>,
    /// Which part of a run it is, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    pub shard: Option<u32>,
    /// The change under review that it tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub change: Option<String>,
    /// The authors of that change.
    pub authors: Vec<String>,
    /// What is wrong with it that no test shows, a sentence each.
    pub problems: Vec<String>,
    /// What it should have and does not; nothing if it is complete.
    pub missing: Option<Missing>,
}

/// The runs of a page of the CI, the newest first.
pub async fn of_link(store: &Store, link: &str) -> Result<Vec<RunDetails>, AnswerError> {
    let mut groups: BTreeMap<(String, String), Vec<RunPlace>> = BTreeMap::new();
    for run in run_notes::linked(store, link).await? {
        groups.entry((run.suite.clone(), run.branch.clone())).or_default().push(run.place());
    }
    let mut found = Vec::new();
    for ((suite, branch), places) in groups {
        let stored = configurations::stored(store, &branch).await?;
        let known: HashMap<ConfigId, &Configuration> =
            stored.all.iter().map(|one| (one.id, &one.configuration)).collect();
        let runs = places.into_iter().filter_map(|place| {
            let configuration = known.get(&place.config_id).map(|known| with_sdk(known, &place))?;
            Some((place, configuration))
        });
        found.extend(of_places(store, &suite, &branch, runs.collect()).await?);
    }
    for run in &mut found {
        run.link.get_or_insert_with(|| link.to_owned());
    }
    found.sort_by(|one, other| {
        let key = |run: &RunDetails| (std::cmp::Reverse(run.start_time), run.suite.clone(), run.configuration.clone());
        key(one).cmp(&key(other))
    });
    Ok(found)
}

/// What is known of some runs of a suite under a branch key, by what tells them from others of the suite.
pub async fn of_runs(
    store: &Store,
    suite: &str,
    branch: &str,
    runs: Vec<RunIdentity>,
) -> Result<HashMap<RunIdentity, RunDetails>, AnswerError> {
    let place = |(configuration, uuid, start_time): RunIdentity| {
        let config_id = ConfigId(configuration.id());
        let sdk = configuration.sdk.clone().unwrap_or_default();
        (RunPlace { config_id, uuid, sdk, start_time }, configuration)
    };
    let details = of_places(store, suite, branch, runs.into_iter().map(place).collect()).await?;
    Ok(details.into_iter().map(|run| ((run.configuration.clone(), run.uuid, run.start_time), run)).collect())
}

/// The same of the runs that a filter means, the newest of each configuration first.
pub async fn of_selection(store: &Store, suite: &str, selection: &Selection) -> Result<Vec<RunDetails>, AnswerError> {
    if selection.is_empty() {
        return Ok(Vec::new());
    }
    let entries = results::runs_in(store, suite, selection).await?;
    let identities = entries.into_iter().flat_map(|OfConfiguration { configuration, results }| {
        results.into_iter().rev().map(move |run| (configuration.clone(), run.uuid, run.start_time))
    });
    let identities: Vec<RunIdentity> = identities.collect();
    let mut details = of_runs(store, suite, &selection.branch, identities.clone()).await?;
    Ok(identities.iter().filter_map(|identity| details.remove(identity)).collect())
}

fn with_sdk(configuration: &Configuration, place: &RunPlace) -> Configuration {
    Configuration { sdk: (!place.sdk.is_empty()).then(|| place.sdk.clone()), ..configuration.clone() }
}

/// What is known of some runs of a suite under a branch key.
async fn of_places(
    store: &Store,
    suite: &str,
    branch: &str,
    runs: Vec<(RunPlace, Configuration)>,
) -> Result<Vec<RunDetails>, AnswerError> {
    let ran: BTreeSet<ConfigId> = runs.iter().map(|(place, _)| place.config_id).collect();
    let commits: BTreeSet<CommitKey> = runs.iter().map(|(place, _)| place.uuid).collect();
    let mut notes: HashMap<RunPlace, RunNotes> = HashMap::new();
    for row in run_notes::of_commits(store, suite, branch, &ran, &commits).await? {
        notes.insert(row.place(), serde_json::from_str(&row.notes).map_err(broken)?);
    }
    let parts = Parts::of(notes.iter());
    let (mut found, mut searched) = (Vec::new(), 0);
    for (place, configuration) in runs {
        let noted = notes.get(&place).cloned().unwrap_or_default();
        let mut missing = parts.missing(&place, &noted);
        let expected = parts.expected(&place, &noted);
        if !expected.is_empty() && searched < MAX_SEARCHED {
            searched += 1;
            add_tests(store, suite, branch, &place, expected, &mut missing).await?;
        }
        let missing = (!missing.is_empty()).then_some(missing);
        let RunNotes { run, shard, problems, change, .. } = noted;
        let (change, authors) = change.map_or((None, Vec::new()), |change| (Some(change.id), change.authors));
        found.push(RunDetails {
            suite: suite.to_owned(),
            branch: branch.to_owned(),
            configuration,
            uuid: place.uuid,
            start_time: place.start_time,
            id: run.id,
            link: run.link,
            tool: run.tool,
            exit_code: run.exit_code,
            shard: shard.map(|shard| shard.index),
            change,
            authors,
            problems,
            missing,
        });
    }
    Ok(found)
}
