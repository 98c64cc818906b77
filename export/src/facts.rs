//! What is exported, and the statements that read it.
//!
//! Times are seconds since 1970, and a commit is its `uuid`, as everywhere. Outcomes are names, the worst first. Members of
//! the configuration are columns, and a project's own ones are JSON text in `configuration`, which has all of them.

use schema::store::states::names;

/// A kind of facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facts {
    /// What each test did in each run.
    Results,
    /// Runs, with what was counted of them.
    Runs,
    /// Registrations of commits; one that says more than another is another row.
    Commits,
}

/// The members of a configuration, by what the engine reads them as from JSON.
const MEMBERS: [(&str, &str); 8] = [
    ("platform", "Nullable(String)"),
    ("version", "Nullable(Int64)"),
    ("version_name", "Nullable(String)"),
    ("is_simulator", "Nullable(Bool)"),
    ("architecture", "Nullable(String)"),
    ("model", "Nullable(String)"),
    ("style", "Nullable(String)"),
    ("flavor", "Nullable(String)"),
];

impl Facts {
    /// Its name: of the folder, and in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Runs => "runs",
            Self::Commits => "commits",
        }
    }

    /// The statement that reads them; `week` is a Monday as `YYYY-MM-DD`, and `kept` the condition of runs that are not over.
    /// Results that a later upload of their run took back are none, as everywhere.
    pub(crate) fn statement(self, week: Option<&str>, kept: &str) -> String {
        let week = week.map_or_else(|| "1".to_owned(), |monday| format!("{WEEK} = toDate('{monday}')"));
        match self {
            Self::Results => format!(
                "SELECT suite, tests.test AS test, branch, {members}, sdk, uuid, start_time, \
                 {actual} AS actual, {expected} AS expected, \
                 if(time_and_one = 0, NULL, time_and_one - 1) AS time, extra \
                 FROM (SELECT * FROM results WHERE {week} \
                 AND (suite, branch, config_id, uuid, sdk, start_time, version) IN \
                 (SELECT suite, branch, config_id, uuid, sdk, start_time, version FROM runs WHERE {week} AND {kept})) AS results \
                 INNER JOIN (SELECT suite, test_id, test FROM tests) AS tests USING (suite, test_id) \
                 LEFT JOIN ({configurations}) AS configurations USING (branch, config_id)",
                members = members(),
                actual = names("actual"),
                expected = names("expected"),
                configurations = configurations(),
            ),
            Self::Runs => format!(
                "SELECT suite, branch, {members}, sdk, uuid, start_time, tests_run, tests_not_run, tests_unknown, \
                 tests_unexpected_failed, flaky AS tests_flaky, stats, details, commits \
                 FROM (SELECT * FROM runs WHERE {week} AND {kept}) AS runs \
                 LEFT JOIN ({configurations}) AS configurations USING (branch, config_id)",
                members = members(),
                configurations = configurations(),
            ),
            Self::Commits => "SELECT repository, branch, uuid, hash, revision, identifier, document FROM commits \
                              ORDER BY repository, branch, uuid, version"
                .to_owned(),
        }
    }
}

/// The week of a row's commit, by its Monday, as tables are partitioned.
pub(crate) const WEEK: &str = "toMonday(toDateTime(intDiv(uuid, 100), 'UTC'))";

fn members() -> String {
    let names = MEMBERS.iter().map(|(name, _)| format!("configurations.{name} AS {name}"));
    names.chain(["configurations.configuration AS configuration".to_owned()]).collect::<Vec<_>>().join(", ")
}

fn configurations() -> String {
    let member = |(name, kind): &(&str, &str)| format!("JSONExtract(configuration, '{name}', '{kind}') AS {name}");
    let members: Vec<String> = MEMBERS.iter().map(member).collect();
    format!("SELECT branch, config_id, configuration, {} FROM configurations", members.join(", "))
}
