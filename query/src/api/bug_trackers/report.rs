//! What a bug says about selected failures: section 15 of the wire contract.

use schema::configuration::{Configuration, version_text};
use schema::ids::CommitKey;
use schema::state::{State, States};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::commit_link::commit_link;
use crate::error::{ApiError, bad};
use crate::service::Service;

const RULE: &str = "-----------------------------";
/// Statuses of suites, worst first.
const SUITE_STATUSES: [&str; 4] = ["crashed", "timedout", "failed", "warning"];

/// The body of a request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Request {
    selected_rows: Vec<Selected>,
    will_filter_expected: bool,
    #[serde(default)]
    repositories: Vec<String>,
    pub(super) suite: String,
    #[serde(default)]
    pub(super) test: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Selected {
    config: Configuration,
    /// Newest first.
    results: Vec<Outcome>,
}

/// A run of a suite if it has stats, else a result of a test.
#[derive(Debug, Deserialize)]
struct Outcome {
    uuid: CommitKey,
    #[serde(default)]
    actual: Option<String>,
    #[serde(default)]
    expected: Option<String>,
    #[serde(default)]
    start_time: Option<f64>,
    #[serde(default)]
    stats: Option<Map<String, Value>>,
}

/// Title and text of a bug.
pub(super) struct Report {
    pub(super) title: String,
    pub(super) text: String,
}

/// What went wrong, and how often if that is known.
struct Status {
    name: &'static str,
    count: Option<u64>,
}

impl Outcome {
    fn status(&self, filter_expected: bool) -> Option<Status> {
        match &self.stats {
            Some(stats) => self.suite_status(stats, filter_expected),
            None => self.test_status(filter_expected),
        }
    }

    fn suite_status(&self, stats: &Map<String, Value>, filter_expected: bool) -> Option<Status> {
        // A row without a start time stands for several runs, of which it has the worst counts.
        let worst = if self.start_time.is_none() { "worst_" } else { "" };
        let prefix = if filter_expected { "tests_unexpected_" } else { "tests_" };
        let count = |status: &str| {
            [format!("{worst}{prefix}{status}"), format!("{prefix}{status}")]
                .iter()
                .find_map(|name| stats.get(name).and_then(Value::as_u64))
                .unwrap_or(0)
        };
        let name = SUITE_STATUSES.into_iter().find(|status| count(status) > 0)?;
        Some(Status { name, count: Some(count("failed")) })
    }

    fn test_status(&self, filter_expected: bool) -> Option<Status> {
        let actual = States::parse(self.actual.as_deref().unwrap_or_default()).of_reference();
        let expected = States::parse(self.expected.as_deref().unwrap_or_default());
        let worst = if filter_expected { actual.unexpected_state(expected) } else { actual.worst_state() };
        let name = match worst {
            State::CRASH => "CRASH",
            State::TIMEOUT => "TIMEOUT",
            State::WARNING => "WARNING",
            worst if worst.is_failure() => "ERROR",
            _ => return None,
        };
        Some(Status { name, count: None })
    }
}

impl Report {
    pub(super) async fn of(service: &Service, request: &Request) -> Result<Self, ApiError> {
        let (mut titles, mut lines): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        let filter = request.will_filter_expected;
        for row in &request.selected_rows {
            let Some(newest) = row.results.first() else { continue };
            let Some(status) = newest.status(filter) else { continue };
            let title = title(&row.config, &status);
            if !titles.contains(&title) {
                titles.push(title);
            }
            lines.extend(described(&row.config, &status, &request.suite));
            lines.push(RULE.to_owned());
            lines.push("Most recent failures:".to_owned());
            lines.extend(commits(service, &request.repositories, newest.uuid).await?);
            lines.push(RULE.to_owned());
            if let Some(passed) = row.results.iter().find(|outcome| outcome.status(filter).is_none()) {
                lines.push("Last success:".to_owned());
                lines.extend(commits(service, &request.repositories, passed.uuid).await?);
            }
        }
        if titles.is_empty() {
            return Err(bad("No failures dectected"));
        }
        Ok(Self { title: titles.join(" and "), text: lines.join("\n") })
    }
}

fn system(configuration: &Configuration) -> String {
    configuration.version_name.clone().or_else(|| configuration.version.map(version_text)).unwrap_or_default()
}

fn title(configuration: &Configuration, status: &Status) -> String {
    let system = system(configuration);
    let place = match &configuration.model {
        Some(model) if !system.is_empty() => format!("{system}({model})"),
        Some(model) => model.clone(),
        None => system,
    };
    format!("{} on {place}", status.name)
}

fn described(configuration: &Configuration, status: &Status, suite: &str) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    // The reference's rows of a single test have no count, and no such line.
    let mut lines: Vec<String> = status.count.iter().map(|count| format!("[{count} {}]", status.name)).collect();
    lines.extend([
        format!("Hardware:     \t{}", text(&configuration.model)),
        format!("Architecture: \t{}", text(&configuration.architecture)),
        format!("OS:           \t{}", system(configuration)),
        format!("Style:        \t{}", text(&configuration.style)),
    ]);
    if suite == "layout-tests" {
        lines.push(format!("Flavor        \t{}", text(&configuration.flavor)));
    }
    lines.extend(configuration.sdk.as_ref().map(|sdk| format!("SDK:          \t{sdk}")));
    lines.extend(configuration.labels.iter().map(|(key, value)| format!("{:<14}\t{value}", format!("{key}:"))));
    lines
}

/// One line per commit of a key on the default branch of each repository.
async fn commits(service: &Service, repositories: &[String], key: CommitKey) -> Result<Vec<String>, ApiError> {
    let mut lines = Vec::new();
    for repository in repositories {
        let commits = answers::commits::on_default_branch(&service.store, repository, key).await?;
        lines.extend(commits.iter().map(|commit| {
            let name = commit.short_name();
            let number = name.split('@').next().unwrap_or_default();
            format!("{number}: {}", commit_link(&service.options, commit).unwrap_or_default())
        }));
    }
    Ok(lines)
}
