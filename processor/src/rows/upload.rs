//! The rows of an upload: the document as it came, its results, and its links to the CI.

use std::sync::Arc;

use schema::commit::Commit;
use schema::configuration::stable_hash;
use schema::event::Links;
use schema::run_notes::RunNotes;
use schema::store::results::Run;
use schema::store::rows::{LinkRow, QueueRow, TestedWeekRow, UploadRow};
use serde_json::value::RawValue;

use super::columns::{commit_seconds, json, monday, seconds};
use super::event_rows::EventRows;
use super::{results, run_notes};

/// What an upload says of its run beside the results.
pub(super) struct Said {
    /// Where the CI shows it.
    pub(super) links: Option<Links>,
    /// Whatever else.
    pub(super) notes: Option<Box<RunNotes>>,
}

/// Adds an upload that was received at a time, seconds since 1970, with one run for each branch key. A run whose time was
/// over when it was received is not stored.
pub(super) fn add(
    rows: &mut EventRows,
    mut runs: Vec<Run>,
    commits: &[Commit],
    said: Said,
    test_results: Box<RawValue>,
    received_at: i64,
) {
    let Said { links, notes } = said;
    runs.retain(|run| !rows.is_expired(run, received_at));
    let commits = json(&commits);
    for run in &runs {
        add_tested_week(rows, run);
        results::add(rows, run, &commits, test_results.get(), received_at);
        if let Some(links) = &links {
            add_links(rows, run, links, received_at);
        }
    }
    run_notes::add(rows, &runs, notes.as_deref(), links.as_ref());
    let document = Arc::new(String::from(Box::<str>::from(test_results)));
    rows.uploads.extend(runs.into_iter().map(|run| upload_row(run, &commits, &document)));
}

fn add_tested_week(rows: &mut EventRows, run: &Run) {
    let (suite, branch) = (run.suite.clone(), run.branch.clone());
    let start_week = monday(i64::from(run.start_time));
    let commit_week = monday(commit_seconds(run));
    let key = stable_hash(&[b"tested week", suite.as_bytes(), branch.as_bytes(), &commit_week.to_le_bytes()]);
    if rows.is_new(key, start_week) {
        rows.tested_weeks.push(TestedWeekRow { suite, branch, start_week, commit_week });
    }
}

fn upload_row(run: Run, commits: &str, document: &Arc<String>) -> UploadRow {
    let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run;
    let (commits, test_results) = (commits.to_owned(), Arc::clone(document));
    UploadRow { suite, branch, config_id, uuid, sdk, start_time, commits, test_results, version }
}

fn add_links(rows: &mut EventRows, run: &Run, links: &Links, received_at: i64) {
    let text = |link: &Option<String>| link.clone().unwrap_or_default();
    let (queue, build, worker) = (text(&links.queue), text(&links.build), text(&links.worker));
    let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run.clone();
    rows.links.push(LinkRow { suite, branch, config_id, uuid, sdk, start_time, queue, build, worker, version });
    if let Some(queue) = &links.queue {
        rows.queues.push(QueueRow {
            branch: run.branch.clone(),
            config_id: run.config_id,
            suite: run.suite.clone(),
            sdk: run.sdk.clone(),
            queue: queue.clone(),
            last_upload: seconds(received_at),
        });
    }
}
