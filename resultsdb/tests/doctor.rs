//! `doctor` on deployments and data folders: what is well is called so, and real faults are found, with what to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use std::path::Path;
use std::process::{Command, Output};

use schema::EVENTS_TOPIC;
use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::server::{Binary, Server};
use test_support::stack::Stack;
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();
/// Checks that depend on the machine of the test.
const OF_THIS_MACHINE: [&str; 3] = ["disks of clickhouse", "disk of blobs", "disk of the folder"];

/// What `doctor --json` said.
#[derive(Debug)]
struct Report {
    code: Option<i32>,
    document: Value,
}

impl Report {
    fn of(mut command: Command) -> Self {
        let Output { status, stdout, stderr } = command.arg("--json").output().unwrap();
        let document = serde_json::from_slice(&stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&[stdout, stderr].concat())));
        Self { code: status.code(), document }
    }

    fn checks(&self) -> &[Value] {
        self.document["checks"].as_array().unwrap()
    }

    /// Verdict, what was found, and what to do.
    fn check(&self, name: &str) -> (&str, &str, &str) {
        let found = self.checks().iter().find(|check| check["check"] == name);
        let found = found.unwrap_or_else(|| panic!("no check {name} in {self:?}"));
        let text = |member: &str| found[member].as_str().unwrap_or_default();
        (text("verdict"), text("found"), text("advice"))
    }

    /// Whether nothing but this machine is to blame for the exit status, and that is right.
    fn is_well(&self) -> bool {
        let is_full = self.document["verdict"] == "wrong";
        self.troubles().is_empty() && self.code == Some(i32::from(is_full))
    }

    /// Names of what is not well, but for what depends on this machine.
    fn troubles(&self) -> Vec<&str> {
        let found = self.checks().iter().filter(|check| check["verdict"] != "ok");
        let named = found.map(|check| check["check"].as_str().unwrap());
        named.filter(|name| !OF_THIS_MACHINE.contains(name)).collect()
    }
}

fn put(server: &Server) {
    let time = now() - 600;
    let (status, answer) = server.post("/api/upload", &upload(time, time, &json!({"a.html": {}}))).unwrap();
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn a_deployment_is_well_until_something_breaks() {
    let mut stack = Stack::start(RESULTSDB);
    let folder = tempfile::tempdir().unwrap();
    let doctor = |stack: &Stack, more: &[&str]| {
        let mut command = stack.command("doctor");
        command.args(more).env_remove("RUST_LOG");
        command
    };
    let ask = |stack: &Stack, more: &[&str]| Report::of(doctor(stack, more));
    put(&stack.ingest);
    let mut report = ask(&stack, &[]);
    until("everything is well", || {
        // An event that came a moment ago is no fault, and not shown yet.
        let is_well = report.is_well()
            && report.check("lag of the archive").1 == "every event is archived"
            && report.check("lag of the views").1 == "every event was written to the views";
        if !is_well {
            report = ask(&stack, &[]);
        }
        is_well
    });
    assert!(report.check("topic of events").1.starts_with("4 partitions with 1 replicas, kept for ever"), "{report:?}");
    assert_eq!(report.check("certificates").1, "the configuration names none");
    assert!(report.checks().len() > 20, "{report:?}");

    // The same for people: a line for each check, and how many there are of each kind.
    let Output { status, stdout, stderr } = doctor(&stack, &[]).output().unwrap();
    let page = String::from_utf8(stdout).unwrap();
    assert_eq!((status.code(), String::from_utf8(stderr).unwrap()), (report.code, String::new()), "{page}");
    let lines: Vec<&str> = page.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), report.checks().len(), "{page}");
    assert!(page.contains("\nok     migrations: all "), "{page}");
    assert!(page.contains(&format!("\n\n{} checks: ", lines.len())) && page.ends_with(" wrong\n"), "{page}");

    // Faults of the configuration: what does not depend on them is still checked.
    let digest = "ab".repeat(32);
    let key = format!("access.keys=[{{name='ci',digest='{digest}',scopes=['read'],expires='2020-01-31'}}]");
    let report = ask(&stack, &["--set", &key]);
    let (verdict, found, advice) = report.check("configured keys");
    assert!(verdict == "wrong" && found.starts_with("over are 'ci' (") && advice.contains("access.keys"), "{report:?}");
    assert_eq!((report.code, report.troubles()), (Some(1), vec!["configured keys"]));
    assert!(!report.document.to_string().contains(&digest));

    let broken = folder.path().join("broken.pem");
    std::fs::write(&broken, "no certificate").unwrap();
    let report = ask(
        &stack,
        &[
            "--set",
            &format!("kafka.certificate={0}", broken.display()),
            "--set",
            &format!("kafka.key={}", broken.display()),
        ],
    );
    let (verdict, found, advice) = report.check("certificates of kafka.certificate");
    assert!(
        verdict == "wrong" && found.contains("broken.pem holds no certificate") && advice.contains("kafka.certificate"),
        "{report:?}"
    );
    assert_eq!((report.code, report.check("migrations").0), (Some(1), "ok"));

    let report = ask(&stack, &["--set", "clickhouse.url=http://127.0.0.1:9"]);
    assert_eq!((report.code, report.check("clickhouse").0), (Some(1), "wrong"));
    assert_eq!(report.check("parts").1, "not checked, because ClickHouse does not answer");
    assert_eq!((report.check("lag of the views").0, report.check("blobs").0), ("ok", "ok"));

    let report = ask(&stack, &["--set", "kafka.brokers=127.0.0.1:9"]);
    assert_eq!((report.code, report.check("kafka").0, report.check("parts").0), (Some(1), "wrong", "ok"));

    let report = ask(&stack, &["--set", "blobs=no/such/folder"]);
    assert_eq!((report.code, report.check("blobs").0), (Some(1), "wrong"));

    let report = ask(&stack, &["--set", "clickhouse.cluster={name='none',replicas=2}"]);
    assert_eq!((report.code, report.check("replicas").0), (Some(1), "wrong"));
    assert!(report.check("replicas").1.starts_with("no table has replicas"), "{report:?}");

    // What a rebuild leaves.
    let rebuilt = stack.command("rebuild").output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let report = ask(&stack, &[]);
    let (verdict, _, advice) = report.check("rebuilds");
    assert!(verdict == "look" && advice.contains("`resultsdb rebuild --drop-old`"), "{report:?}");
    assert!(stack.command("rebuild").arg("--drop-old").output().unwrap().status.success());
    assert_eq!(ask(&stack, &[]).check("rebuilds").0, "ok");

    // A topic that forgets.
    stack.broker.configure(EVENTS_TOPIC, &[("retention.ms", "3600000"), ("max.message.bytes", "68000000")]);
    let mut report = ask(&stack, &[]);
    until("the setting is known", || {
        let is_wrong = report.check("topic of events").0 == "wrong";
        if !is_wrong {
            report = ask(&stack, &[]);
        }
        is_wrong
    });
    let (_, found, advice) = report.check("topic of events");
    assert!(found.contains("retention.ms is 60 min") && advice.contains("retention.ms"), "{report:?}");
    assert_eq!(report.code, Some(1));

    // Nobody reads what comes.
    stack.processors.clear();
    put(&stack.ingest);
    let mut report = ask(&stack, &["--max-lag", "1"]);
    until("the lag is noticed", || {
        let is_wrong = ["lag of the views", "readers for the views", "readers for the archive"];
        let is_wrong = is_wrong.iter().all(|check| report.check(check).0 == "wrong");
        if !is_wrong {
            report = ask(&stack, &["--max-lag", "1"]);
        }
        is_wrong
    });
    assert!(report.check("lag of the views").1.starts_with("1 event wait"), "{report:?}");
    assert!(report.check("readers for the views").2.contains("`resultsdb processor`"), "{report:?}");
    assert_eq!(report.code, Some(1));

    // What nobody archived is forgotten.
    assert_eq!(report.check("events kept").0, "ok");
    stack.broker.forget(EVENTS_TOPIC);
    let report = ask(&stack, &[]);
    let (verdict, found, _) = report.check("events kept");
    assert!(
        verdict == "wrong" && found.starts_with("1 event is neither in the log nor in the archive (partition "),
        "{report:?}"
    );
    assert_eq!(
        std::fs::read_dir(stack.blobs())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_name() == "doctor")
            .count(),
        0
    );
}

fn in_folder(data_dir: &Path, more: &[&str]) -> Report {
    let mut command = RESULTSDB.command();
    command.args(["doctor", "--data-dir"]).arg(data_dir).args(more);
    Report::of(command)
}

#[test]
fn a_folder_is_checked_while_serve_runs_and_while_it_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = RESULTSDB.serve(&data_dir);
    put(&server);
    let running = in_folder(&data_dir, &[]);
    assert!(running.is_well(), "{running:?}");
    assert_eq!(running.check("lag of the views").1, "every event was written to the views");
    assert!(running.check("serve").1.ends_with("runs and told what follows"), "{running:?}");
    server.stop();
    let stopped = in_folder(&data_dir, &[]);
    assert!(stopped.is_well(), "{stopped:?}");
    assert!(stopped.check("serve").1.starts_with("it does not run"), "{stopped:?}");
    for check in ["migrations", "parts", "blobs", "dead letters", "stored keys", "events in the tables"] {
        assert_eq!((running.check(check).0, stopped.check(check).0), ("ok", "ok"), "{check}");
    }

    let Output { status, stdout, stderr } =
        RESULTSDB.command().args(["doctor", "--data-dir"]).arg(directory.path()).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && stdout.is_empty(), "{said}");
    assert!(said.starts_with("Error: there is no event log in ") && said.trim_end().lines().count() == 1, "{said}");
    let Output { status, stdout, stderr } =
        RESULTSDB.command().arg("doctor").env_remove("RESULTSDB_CONFIG").output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(!status.success() && stdout.is_empty(), "{said}");
    assert!(
        said.starts_with("Error: it is not said what to check: ") && said.trim_end().lines().count() == 1,
        "{said}"
    );
}

/// The log is the truth: tables that are gone are no loss.
#[test]
fn tables_that_somebody_moved_away_are_made_again() {
    let directory = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(directory.path());
    put(&server);
    let path = "/api/results/layout-tests/a.html";
    let shown = server.get(path);
    assert_eq!(server.json(path)[0]["results"].as_array().unwrap().len(), 1);
    server.stop();
    std::fs::rename(directory.path().join("store"), directory.path().join("moved")).unwrap();
    let server = RESULTSDB.serve(directory.path());
    until("the upload is shown again", || server.get(path) == shown);
    let mut report = in_folder(directory.path(), &[]);
    until("everything is well", || {
        let is_well = report.is_well();
        if !is_well {
            report = in_folder(directory.path(), &[]);
        }
        is_well
    });
    assert_eq!(report.check("events in the tables").1, "the tables have every event that was written to them");
}

/// What keeps everything from being checked is told to programs in the shape of all findings.
#[test]
fn programs_are_told_why_nothing_could_be_checked() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("wrong.toml");
    std::fs::write(&config, "titel = 'x'").unwrap();
    let refused = directory.path().join("refused.toml");
    std::fs::write(&refused, "[repositories.a]\n[[repositories.a.owners]]\nsuite = 's'").unwrap();
    let of_config = |file: &Path| {
        let mut command = RESULTSDB.command();
        command.args(["doctor", "--config"]).arg(file);
        Report::of(command)
    };
    let mut of_nothing = RESULTSDB.command();
    of_nothing.arg("doctor").env_remove("RESULTSDB_CONFIG");
    for (report, told) in [
        (Report::of(of_nothing), "it is not said what to check: give --config FILE"),
        (in_folder(directory.path(), &[]), "there is no event log in "),
        (of_config(&config), "did you mean `title`?"),
        (of_config(&refused), "repositories.a.owners: the repository has no source"),
        (of_config(&directory.path().join("none.toml")), "reading the configuration "),
    ] {
        let (verdict, found, advice) = report.check("doctor");
        assert!(verdict == "wrong" && found.contains(told) && !advice.is_empty(), "{report:?}");
        assert_eq!((report.code, &report.document["verdict"], report.checks().len()), (Some(1), &json!("wrong"), 1));
        assert!(report.document["version"].is_string(), "{report:?}");
    }
}

/// The path of a socket has at most 107 bytes: below this folder no server can be asked.
#[test]
fn a_server_that_cannot_be_asked_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("a".repeat(120));
    let server = RESULTSDB.serve(&data_dir);
    let report = in_folder(&data_dir, &[]);
    let (verdict, found, advice) = report.check("serve");
    assert!(verdict == "look" && found.contains("answers no questions") && advice.contains("stop it"), "{report:?}");
    assert_eq!((report.troubles(), report.check("blobs").0), (vec!["serve"], "ok"));
    server.stop();
}
