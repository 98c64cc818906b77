//! The statements that make the user of others' SQL.

use schema::store::Cluster;

use super::GuestLimits;

/// What may be read: views of what was uploaded. Keys, audit, receipts, whole documents and what waits or failed are not
/// among them.
pub const VIEWS: [&str; 21] = [
    "bugs",
    "causes",
    "commit_names",
    "commits",
    "configurations",
    "ews_results",
    "failure_messages",
    "failures",
    "linked_runs",
    "links",
    "owner_files",
    "quarantine",
    "queues",
    "renames",
    "repositories",
    "results",
    "run_notes",
    "runs",
    "suites",
    "tested_weeks",
    "tests",
];

/// The setting that bounds rows. The store answers one more than are shown, by which it is known that there are more.
pub(super) const MAX_ROWS: &str = "max_result_rows";
/// Settings that bound a statement, with the least value that bounds anything, and shows a row.
pub(super) const SETTINGS_OF_LIMITS: [(&str, u64); 4] =
    [("readonly", 1), ("max_execution_time", 1), ("max_memory_usage", 1), (MAX_ROWS, 2)];

/// The statements that make the user, for an operator to run. `password_digest` is SHA-256 of the password in hexadecimal
/// digits; `cluster` is where the database lies on several servers.
pub fn statements(
    user: &str,
    password_digest: &str,
    databases: &[&str],
    limits: GuestLimits,
    cluster: Option<&Cluster>,
) -> Vec<String> {
    let on = cluster.map_or_else(String::new, |cluster| format!(" ON CLUSTER `{}`", cluster.name()));
    let name = format!("`{}`", user.replace('\\', "\\\\").replace('`', "\\`"));
    let GuestLimits { seconds, rows, mebibytes, statements } = limits;
    let mut settings = vec![
        "readonly = 1".to_owned(),
        format!("max_execution_time = {seconds}"),
        format!("max_memory_usage = {}", mebibytes << 20),
        format!("{MAX_ROWS} = {}", rows.saturating_add(1)),
        "result_overflow_mode = 'break'".to_owned(),
        format!("max_concurrent_queries_for_user = {statements}"),
        "cancel_http_readonly_queries_on_client_close = 1".to_owned(),
        // Questions of people come first.
        "max_threads = 2".to_owned(),
        "priority = 10".to_owned(),
        // A row for each key, as every answer has it.
        "final = 1".to_owned(),
        "do_not_merge_across_partitions_select_final = 1".to_owned(),
    ];
    if cluster.is_some_and(Cluster::is_sharded) {
        settings.push("distributed_product_mode = 'global'".to_owned());
        settings.push("optimize_skip_unused_shards = 1".to_owned());
    }
    let mut all = vec![format!(
        "CREATE USER OR REPLACE {name}{on} IDENTIFIED WITH sha256_hash BY '{password_digest}' SETTINGS {}",
        settings.join(", ")
    )];
    for database in databases {
        let grant = |view: &&str| format!("GRANT{on} SELECT ON `{database}`.`{view}` TO {name}");
        all.extend(VIEWS.iter().map(grant));
    }
    all
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_user_may_read_views_within_limits() {
        let made = statements("reader", "00ff", &["resultsdb"], GuestLimits::default(), None);
        assert!(made[0].starts_with(
            "CREATE USER OR REPLACE `reader` IDENTIFIED WITH sha256_hash BY '00ff' SETTINGS readonly = 1"
        ));
        assert!(made[0].contains(", max_result_rows = 10001, result_overflow_mode = 'break',"), "{}", made[0]);
        assert_eq!(made.len(), 1 + VIEWS.len());
        assert!(made.contains(&"GRANT SELECT ON `resultsdb`.`runs` TO `reader`".to_owned()));
        let cluster = Cluster::new("four", 2).unwrap().sharded();
        let made = statements("a`b", "00ff", &["db", "db_tables"], GuestLimits::default(), Some(&cluster));
        assert!(made[0].starts_with("CREATE USER OR REPLACE `a\\`b` ON CLUSTER `four`"), "{}", made[0]);
        assert!(made.iter().any(|sql| sql.starts_with("GRANT ON CLUSTER `four` SELECT ON `db_tables`.`runs`")));
    }

    #[test]
    fn no_view_holds_secrets() {
        assert!(
            VIEWS.iter().all(|view| !view.starts_with("access") && !["audit", "receipts", "uploads"].contains(view))
        );
    }
}
