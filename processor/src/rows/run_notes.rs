//! The rows of what an upload says of its run, and of the run's page in the CI.

use schema::event::Links;
use schema::links::on_the_web;
use schema::run_notes::RunNotes;
use schema::store::results::Run;
use schema::store::rows::{LinkedRunRow, RunNoteRow};

use super::columns::json;
use super::event_rows::EventRows;

/// Adds what is known of the runs of an upload, one for each branch key.
pub(super) fn add(rows: &mut EventRows, runs: &[Run], notes: Option<&RunNotes>, links: Option<&Links>) {
    let page = |link: &Option<String>| link.clone().filter(|link| on_the_web(link).is_some());
    let own = notes.and_then(|notes| page(&notes.run.link));
    let link = own.or_else(|| links.and_then(|links| page(&links.build)));
    for run in runs {
        let Run { suite, branch, config_id, uuid, sdk, start_time, version } = run.clone();
        if let Some(notes) = notes {
            let notes = json(notes);
            let (suite, branch, sdk) = (suite.clone(), branch.clone(), sdk.clone());
            rows.run_notes.push(RunNoteRow { suite, branch, config_id, uuid, sdk, start_time, notes, version });
        }
        if let Some(link) = &link {
            let link = link.clone();
            rows.linked_runs.push(LinkedRunRow { link, suite, branch, config_id, uuid, sdk, start_time, version });
        }
    }
}
