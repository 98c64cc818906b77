//! What every token and every policy has to keep to.

/// The longest token, bytes. Those of CIs have about 2,000.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Claims whose values are given once: nobody can register a repository, group or pipeline that has the id of another one.
/// `job_project_id` and `job_namespace_id` are the project and group in which a job of GitLab runs, `project_id` and
/// `namespace_id` those that its code is of; `organization_id` and `pipeline_id` are Buildkite's.
pub const ID_CLAIMS: [&str; 9] = [
    "repository_id",
    "repository_owner_id",
    "enterprise_id",
    "project_id",
    "namespace_id",
    "job_project_id",
    "job_namespace_id",
    "organization_id",
    "pipeline_id",
];
