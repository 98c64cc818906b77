//! The rows that uploads became, loaded again by the engine alone from files in its native format: its own speed, which
//! the whole line from document to view is held against.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::process::{Process, listening};
use crate::report::Report;
use crate::server::Server;

/// The views that a run is written to.
const VIEWS: [&str; 6] = ["results", "failures", "runs", "uploads", "links", "tests"];
const PASSWORD: &str = "bench";

/// The embedded engine as a server of its own.
struct Engine {
    _process: Process,
    url: String,
}

impl Engine {
    fn start(binary: &Path, store: &Path, password: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(binary);
        command.args(["engine", "--port", "0", "--data-dir"]).arg(store).arg("--password-file").arg(password);
        let (process, url) = listening(&mut command)?;
        Ok(Self { _process: process, url })
    }

    fn run(&self, sql: &str) -> anyhow::Result<String> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(3600)))
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent
            .post(format!("{}/?database=resultsdb&max_partitions_per_insert_block=0", self.url))
            .header("X-ClickHouse-User", "default")
            .header("X-ClickHouse-Key", PASSWORD)
            .send(sql)?;
        let text = answer.body_mut().read_to_string()?;
        ensure!(answer.status().is_success(), "{sql}: {text}");
        Ok(text.trim().to_owned())
    }
}

/// What each view of a data directory takes on disk, whose server has stopped.
pub(crate) fn sizes(binary: &Path, data: &Path, report: &mut Report) -> anyhow::Result<()> {
    let password = tempfile::NamedTempFile::new()?;
    std::fs::write(password.path(), PASSWORD)?;
    let engine = Engine::start(binary, &data.join("store"), password.path())?;
    let results: f64 =
        engine.run("SELECT count() FROM results FORMAT TSV")?.parse().context("the number of results")?;
    report.tell("results", results);
    let sizes = engine.run(
        "SELECT table, sum(bytes_on_disk), count() FROM system.parts WHERE active AND database = 'resultsdb' \
         GROUP BY table ORDER BY 2 DESC FORMAT TSV",
    )?;
    let (mut all, mut documents) = (0.0, 0.0);
    for line in sizes.lines() {
        let mut fields = line.split('\t');
        let (Some(table), Some(bytes), Some(parts)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let bytes: f64 = bytes.parse()?;
        all += bytes;
        if table == "uploads" {
            documents = bytes;
        }
        if bytes / results >= 0.005 {
            report.tell(&format!("bytes per result in {table}, {parts} parts"), format!("{:.2}", bytes / results));
        }
    }
    report.tell("bytes per result in all views", format!("{:.2}", all / results));
    let other = (all - documents) / results;
    report.tell("bytes per result in all views but whole documents", format!("{other:.2}"));
    Ok(())
}

/// Stops the server and loads what it stored again; `rate` is how many results a second it took in.
pub(crate) fn measure(binary: &Path, server: Server, rate: f64, report: &mut Report) -> anyhow::Result<()> {
    let data = server.data();
    server.stop()?;
    let (store, password) = (data.path().join("store"), data.path().join("password"));
    std::fs::write(&password, PASSWORD)?;
    let engine = Engine::start(binary, &store, &password)?;
    let results: f64 =
        engine.run("SELECT count() FROM results FORMAT TSV")?.parse().context("the number of results")?;
    let mut spent = Duration::ZERO;
    for view in VIEWS {
        let file = data.path().join(format!("{view}.native"));
        let file = file.display();
        engine.run(&format!("INSERT INTO FUNCTION file('{file}', 'Native') SELECT * FROM {view}"))?;
        engine.run(&format!("CREATE TABLE copy_of_{view} AS {view}"))?;
        let begun = Instant::now();
        engine.run(&format!("INSERT INTO copy_of_{view} SELECT * FROM file('{file}', 'Native')"))?;
        spent += begun.elapsed();
    }
    let own = results / spent.as_secs_f64();
    report.tell("the engine's own load of the same rows", format!("{own:.0} results/s"));
    report.tell("uploads to visible, share of that", format!("{:.0} %", 100.0 * rate / own));
    Ok(())
}
