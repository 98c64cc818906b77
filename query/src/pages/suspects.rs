//! From what a page suspects, a range of commits and the suite that they may have broken, to the list of these commits: those
//! of the repositories that the suite runs.

use answers::{commits, suspects};
use schema::ids::CommitKey;

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::service::Service;

/// The question about these repositories, if it names a suite that runs fewer than are known. What is no range is left alone: the
/// list says what is wrong with it.
pub(super) async fn narrowed(service: &Service, parameters: &Parameters) -> Result<Option<String>, ApiError> {
    let (Some(suite), None) = (parameters.chosen("suite"), parameters.chosen("repository_id")) else { return Ok(None) };
    let (Ok(begin), Ok(end)) = (parameters.numbers("after_uuid"), parameters.numbers("before_uuid")) else {
        return Ok(None);
    };
    let ([begin], [end]) = (&begin[..], &end[..]) else { return Ok(None) };
    let (range, branch) = ((CommitKey(*begin), CommitKey(*end)), parameters.chosen("branch"));
    let named = suspects::repositories_between(&service.store, suite, branch, range).await?;
    if named.is_empty() || named.len() >= commits::repositories(&service.store).await?.len() {
        return Ok(None);
    }
    let added: Vec<(&str, &str)> = named.iter().map(|id| ("repository_id", id.as_str())).collect();
    Ok(Some(parameters.with(&["suite"], &added)))
}
