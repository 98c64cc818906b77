//! Names that several pages show: of what they are about, of configurations, of commits.

use std::collections::BTreeMap;

use answers::changes::NamedCommit;
use answers::search::Field;
use minijinja::{Value, context};
use schema::configuration::Configuration;

/// What the box of a list takes: examples, and what they find.
pub(super) fn help(fields: &[Field]) -> Vec<(&'static str, &'static str)> {
    fields.iter().map(|field| field.help()).collect()
}

/// The heading of a page, and the suite that it is about, if it is about one.
pub(super) fn titled(heading: &str, suite: &str) -> String {
    if suite.is_empty() { heading.to_owned() } else { format!("{heading} of {suite}") }
}

/// The shortest names that tell some configurations apart.
pub(super) fn short_names(configurations: &[Configuration]) -> BTreeMap<&Configuration, String> {
    configurations.iter().zip(Configuration::short_names(configurations.iter())).collect()
}

/// Commits as a page shows them: with their repositories, where they are of more than one.
#[derive(Debug, Default)]
pub(super) struct ShownCommits {
    are_of_several: bool,
}

impl ShownCommits {
    /// All commits of a page.
    pub(super) fn of<'a>(commits: impl Iterator<Item = &'a NamedCommit>) -> Self {
        let mut repositories = commits.filter_map(|commit| commit.repository.as_deref());
        let first = repositories.next();
        Self { are_of_several: repositories.any(|other| Some(other) != first) }
    }

    /// What one of them is called among them.
    pub(super) fn name(&self, commit: &NamedCommit) -> String {
        match &commit.repository {
            Some(repository) if self.are_of_several => format!("{repository} {}", commit.name),
            _ => commit.name.clone(),
        }
    }

    /// What a template shows of one of them.
    pub(super) fn show(&self, commit: &NamedCommit) -> Value {
        context! { uuid => commit.uuid, repository => commit.repository, name => self.name(commit) }
    }
}
