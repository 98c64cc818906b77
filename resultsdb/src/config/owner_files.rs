//! From which repositories owners of tests are read.

use std::collections::BTreeMap;

use anyhow::bail;
use ingest::SuiteFile;

use super::Repository;

/// The entries of each repository that has any; an error names the one that makes no sense beside the others.
pub(super) fn of(repositories: &BTreeMap<String, Repository>) -> anyhow::Result<BTreeMap<String, Vec<SuiteFile>>> {
    let mut of_suites: BTreeMap<&str, &str> = BTreeMap::new();
    for (id, repository) in repositories {
        if repository.source.is_none() && !repository.owners.is_empty() {
            bail!(
                "in repositories.{id}.owners: the repository has no source to read them from; add [repositories.{id}.source]"
            );
        }
        for SuiteFile { suite, .. } in &repository.owners {
            if let Some(other) = of_suites.insert(suite, id) {
                bail!(
                    "in repositories.{id}.owners: the suite '{suite}' is in repositories.{other}.owners already, and a suite has \
                     one file of owners"
                );
            }
        }
    }
    let with_owners = repositories.iter().filter(|(_, repository)| !repository.owners.is_empty());
    Ok(with_owners.map(|(id, repository)| (id.clone(), repository.owners.clone())).collect())
}
