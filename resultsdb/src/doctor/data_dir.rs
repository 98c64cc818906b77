//! The checks of what `serve` uses, while it runs and while it does not.

use std::path::Path;

use anyhow::Context;
use embedded::{Engine, EngineOptions, LocalLog};
use eventlog::LogError;
use schema::place::Place;

use super::examined::Examined;
use super::finding::{Finding, Line};
use super::group::Group;
use super::{blobs, certificates, deployment, disk, keys, log_end, lost_rows, store, versions};
use crate::config::Config;
use crate::private_files::keep_private;
use crate::{backup, servers};

const BLOBS: &str = "Let this user read and write the folder `blobs` in it";
/// What to do about a `serve` that answers nothing of use.
const REMEDY: &str = "Stop `serve` and check again, or start the `serve` of this version";
/// What to do where an error says by itself what helps.
const MEND: &str = "Mend that first, and check again";
/// What to do about a log that was opened and cannot be read.
const DAMAGED: &str = "Run `resultsdb check --data-dir DIR`";

/// Checks everything in a data folder.
pub(super) async fn lines(data_dir: &Path, config: &Config, patience: u64) -> anyhow::Result<Vec<Line>> {
    backup::expect_log(data_dir)?;
    let data_dir = data_dir.canonicalize().with_context(|| format!("finding {}", data_dir.display()))?;
    keep_private();
    let mut lines = certificates::lines(config, false);
    let mut own = Group::new("the folder", "Check that the folder and the configuration are those that `serve` uses");
    own.ask("configured keys", async { keys::configured(config.access.as_ref()) }).await;
    own.ask("disk of the folder", async { disk::of_folder(&data_dir) }).await;
    lines.extend(own.lines());
    let place = Place::Folder(data_dir.join("blobs"));
    let opened = blobs::open(&place).map(|blobs| (blobs, place));
    lines.extend(deployment::of_blobs(opened, "the folder", BLOBS).await);
    lines.extend(inside(&data_dir, patience).await);
    Ok(lines)
}

/// Log and tables: the process that has them open is asked, or this one opens them.
async fn inside(data_dir: &Path, patience: u64) -> Vec<Line> {
    let (finding, lines) = match backup::examine(data_dir, patience).await {
        Ok(Some(Ok(Examined { version, lines }))) => (running(&version), lines),
        // One of another version may understand other questions.
        Ok(Some(Err(error))) => (Finding::failed(&error, REMEDY), Vec::new()),
        Ok(None) => match opened(data_dir).await {
            Ok(Some(lines)) => (Finding::ok("it does not run, so that its log and tables were opened for this"), lines),
            Ok(None) => (locked(), Vec::new()),
            Err(error) => {
                let error = error.context("it does not run, and its log and tables cannot be opened");
                (Finding::failed(&error, MEND), Vec::new())
            }
        },
        Err(error) => (Finding::failed(&error, MEND), Vec::new()),
    };
    let mut all = vec![Line { check: "serve".to_owned(), finding }];
    all.extend(lines);
    all
}

fn running(version: &str) -> Finding {
    if version == versions::OWN {
        Finding::ok(format!("version {version} runs and told what follows"))
    } else {
        let found = format!("version {version} runs, and this is version {}", versions::OWN);
        Finding::look(found, "Start `serve` again with the version that is installed")
    }
}

fn locked() -> Finding {
    Finding::look(
        "a process that answers no questions has the folder open, so that its log and tables were not checked",
        "Wait until `serve` has started, or stop it and check again",
    )
}

/// Opens the log and the tables; none if another process has them.
async fn opened(data_dir: &Path) -> anyhow::Result<Option<Vec<Line>>> {
    let log = match LocalLog::open(&data_dir.join("log")) {
        Err(LogError::InUse { .. }) => return Ok(None),
        opened => opened?,
    };
    let engine = Engine::start(EngineOptions::new(data_dir.join("store"))).await?;
    // Nobody reads the log now: what waits there is read when `serve` starts.
    let (address, mut group) = (servers::embedded_address(&engine), Group::new("the log", DAMAGED));
    let client = address.client();
    group.ask("end of the log", log_end::of(&log, &client)).await;
    group.ask("events in the tables", lost_rows::of(&log, &client, lost_rows::OF_SERVE)).await;
    let mut lines = group.lines();
    lines.extend(store::lines(Ok(address), None, store::OF_SERVE).await);
    engine.shutdown().await;
    Ok(Some(lines))
}
