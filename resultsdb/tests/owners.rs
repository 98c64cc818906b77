//! Owners that were sent to the intake hold at once and outlive the process and a rebuild, and an owner is told of a week
//! once: through HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, unreachable_pub)]

use std::path::Path;

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::forge::{self, TOKEN};
use test_support::git::git;
use test_support::receiver::Receiver;
use test_support::server::{Binary, Server};
use test_support::wait::until;

const RESULTSDB: Binary = test_support::resultsdb!();
const HOUR: i64 = 3600;

/// Twelve runs, an hour apart: two tests fail in the last two, and one of them says who owns it; another one is flaky.
fn upload_history(server: &Server) {
    for hours in (1..=12).rev() {
        let time = now() - hours * HOUR;
        let state = if hours <= 2 { "TEXT" } else { "PASS" };
        let mut results: serde_json::Map<String, Value> =
            (0..12).map(|number| (format!("steady-{number}.html"), json!({}))).collect();
        results.insert("js".to_owned(), json!({ "a.html": { "actual": state, "owners": ["@js"] } }));
        let flaky = if hours % 2 == 0 { "TEXT" } else { "PASS" };
        results.insert(
            "css".to_owned(),
            json!({ "a.html": { "actual": state }, "flaky.html": { "actual": flaky, "time": 30_000 } }),
        );
        assert_eq!(server.post("/api/upload", &upload(time - 60, time, &results.into())).unwrap().0, 200);
    }
}

fn send(server: &Server, text: &str) -> (u16, String) {
    let document = json!({ "suite": "layout-tests", "text": text, "folder": "LayoutTests" });
    server.post("/api/owners", document.to_string().as_bytes()).unwrap()
}

/// The tests of an owner that fail.
fn failing(server: &Server, owner: &str) -> Vec<String> {
    let answer = server.json(&format!("/api/triage?suite=layout-tests&group=new&owner={owner}"));
    answer["tests"].as_array().unwrap().iter().map(|test| test["test"].as_str().unwrap().to_owned()).collect()
}

fn stop(mut server: Server) {
    server.signal("-TERM");
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_file_of_owners_holds_until_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(folder.path());
    upload_history(&server);
    assert_eq!((failing(&server, "@js"), failing(&server, "@css")), (vec!["js/a.html".to_owned()], Vec::new()));
    assert_eq!(send(&server, "/LayoutTests/css/ @css\n"), (200, r#"{"status":"ok"}"#.to_owned()));
    let both = |server: &Server| (failing(server, "@js"), failing(server, "@css"));
    let of_both = (vec!["js/a.html".to_owned()], vec!["css/a.html".to_owned()]);
    assert_eq!(both(&server), of_both);
    let owners = server.json("/api/owners?suite=layout-tests");
    stop(server);
    let rebuilt = RESULTSDB.command().arg("rebuild").arg("--data-dir").arg(folder.path()).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let server = RESULTSDB.serve(folder.path());
    assert_eq!((both(&server), server.json("/api/owners?suite=layout-tests")), (of_both, owners));
    assert_eq!(send(&server, "* @all\n").0, 200);
    assert_eq!((failing(&server, "@all").len(), failing(&server, "@js").len()), (2, 0));
    assert_eq!(send(&server, "").0, 200);
    assert_eq!(
        (failing(&server, "@all").len(), failing(&server, "@js").len(), failing(&server, "none").len()),
        (0, 1, 1)
    );
    let (status, answer) = send(&server, "# nothing\n");
    assert!(status == 400 && answer.contains("names no owner"), "{answer}");
    // What owns nothing is kept, and told.
    for (suite, text, folder, told) in [
        ("nosuch", "* @all\n", "", "No run of the suite 'nosuch' is known: the file is kept"),
        ("layout-tests", "/css/ @css\n", "LayoutTests", "No rule is about any of "),
        ("layout-tests", "!css @css\n[css @css\n", "", "No rule is about any of "),
    ] {
        let document = json!({ "suite": suite, "text": text, "folder": folder });
        let (status, answer) = server.post("/api/owners", document.to_string().as_bytes()).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!((status, &answer["status"]), (200, &json!("ok")), "{text}: {answer}");
        assert!(answer["warning"].as_str().is_some_and(|warning| warning.starts_with(told)), "{text}: {answer}");
    }
    assert_eq!(send(&server, ""), (200, r#"{"status":"ok"}"#.to_owned()));
}

/// What is known of a file that was sent or read, as the audit has it.
fn files_sent(server: &Server) -> Vec<(String, String)> {
    let entries = server.json("/api/audit");
    let text = |entry: &Value, member: &str| entry[member].as_str().unwrap().to_owned();
    let sent = entries.as_array().unwrap().iter().filter(|entry| entry["action"] == "sent a file of owners");
    sent.map(|entry| (text(entry, "actor"), text(entry, "subject"))).collect()
}

#[test]
fn a_file_is_read_from_the_host_of_a_repository_and_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let (work, token, config) = (folder.path().join("work"), folder.path().join("token"), folder.path().join("c.toml"));
    std::fs::create_dir_all(work.join(".github")).unwrap();
    git(&work, 0, &["init", "-q", "-b", "main"]);
    let say = |text: &str| {
        std::fs::write(work.join(".github/CODEOWNERS"), text).unwrap();
        git(&work, now(), &["add", "."]);
        git(&work, now(), &["commit", "-q", "-m", "owners"]);
    };
    say("/LayoutTests/css/ @css\n");
    std::fs::write(&token, TOKEN).unwrap();
    let host = tokio::runtime::Runtime::new().unwrap();
    let url = host.block_on(forge::serve(work.clone()));
    let text = format!(
        "[outbound]\nallow = [\"127.0.0.1\"]\n\
         [repositories.webkit.source]\nkind = \"github\"\nurl = \"{url}\"\nrepository = \"owner/name\"\ntoken_file = {token:?}\n\
         [[repositories.webkit.owners]]\nsuite = \"layout-tests\"\nfolder = \"LayoutTests\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let data = folder.path().join("data");
    let server = RESULTSDB.serve_with(&data, &config);
    upload_history(&server);
    let found = |server: &Server, owner: &str| {
        let answer = server.json(&format!("/api/triage?suite=layout-tests&group=new&q=owner:{owner}"));
        let tests = answer["tests"].as_array().unwrap().clone();
        tests.iter().map(|test| test["test"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    until("the file is read", || found(&server, "css") == ["css/a.html"]);
    assert_eq!(found(&server, "js"), ["js/a.html"], "what the file says nothing of, uploads do");
    let read = ("the repository webkit".to_owned(), "layout-tests".to_owned());
    assert_eq!(files_sent(&server), std::slice::from_ref(&read));
    let (status, answer) = send(&server, "* @all\n");
    assert!(status == 422 && answer.contains("read from a file of the repository 'webkit'"), "{status} {answer}");
    stop(server);

    // Another process reads the same.
    let readings = |server: &Server, result: &str| {
        server.get("/metrics").1.contains(&format!("resultsdb_owner_readings_total{{result=\"{result}\"}}"))
    };
    let server = RESULTSDB.serve_with(&data, &config);
    until("the file is read again", || readings(&server, "ok"));
    assert_eq!(files_sent(&server), std::slice::from_ref(&read));
    stop(server);

    say("/LayoutTests/css/ @new\n");
    let server = RESULTSDB.serve_with(&data, &config);
    until("the file of today is read", || found(&server, "new") == ["css/a.html"]);
    assert_eq!((found(&server, "css"), files_sent(&server)), (Vec::new(), vec![read.clone(), read]));
    stop(server);

    // What was read stays, whatever becomes of the host.
    drop(host);
    let rebuilt = RESULTSDB.command().arg("rebuild").arg("--data-dir").arg(&data).output().unwrap();
    assert!(rebuilt.status.success(), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    let server = RESULTSDB.serve_with(&data, &config);
    until("the host is found away", || readings(&server, "error"));
    assert_eq!((found(&server, "new"), files_sent(&server).len()), (vec!["css/a.html".to_owned()], 2));
}

fn with_hooks(folder: &Path, hooks: &str) -> Server {
    let config = format!(
        "title = \"Results\"\naddress = \"https://results.example.org\"\n[outbound]\nallow = [\"127.0.0.1\"]\n\
         [[owners]]\npattern = \"css/*\"\nowners = [\"@css\"]\n[alerts]\nseconds = 1\n{hooks}"
    );
    let file = folder.join("config.toml");
    std::fs::write(&file, config).unwrap();
    RESULTSDB.serve_with(&folder.join("data"), &file)
}

#[test]
fn an_owner_is_told_of_its_tests_alone_and_of_a_week_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(&folder.path().join("data"));
    upload_history(&server);
    stop(server);
    let (single, weekly) = (Receiver::start(), Receiver::start());
    weekly.refuse(1);
    let hooks = format!(
        "[[alerts.hooks]]\nname = \"single\"\nurl = \"{}/secret\"\nowner = \"@js\"\n\
         [[alerts.hooks]]\nname = \"weekly\"\nurl = \"{}/secret\"\nowner = \"css\"\ndigest = \"weekly\"\n",
        single.url, weekly.url
    );
    let server = with_hooks(folder.path(), &hooks);
    until("both are told, although one refused", || !single.bodies().is_empty() && !weekly.bodies().is_empty());
    let on = "on Mac 14.2.0 Release using arm64";
    assert_eq!(single.findings(), [format!("layout-tests js/a.html newly fails (text) {on}, @js")]);
    let message: Value = serde_json::from_slice(&weekly.bodies()[0]).unwrap();
    assert_eq!(weekly.findings(), [format!("layout-tests css/a.html newly fails (text) {on}, @css")]);
    let text = message["text"].as_str().unwrap();
    for part in [
        "Results: weekly, the week up to ",
        " of css\n1 test newly fails https://results.example.org/triage?days=7&group=new&owner=css\n",
        "\n1 test is flaky; 6 runs were spoilt, 3 min lost https://results.example.org/costs?weeks=1&owner=css\n",
        "\n- layout-tests css/flaky.html: 6 runs, 3 min\n",
        "https://results.example.org/changes?suite=layout-tests&weeks=1&owner=css",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let digest = &message["digest"];
    let members = ["owner", "new", "flaky", "spoilt", "time_lost"].map(|member| digest[member].clone());
    assert_eq!(members, [json!("css"), json!(1), json!(1), json!(6), json!(180_000)], "{digest:#}");
    assert!(!digest["changes"].as_array().unwrap().is_empty(), "{digest:#}");
    let told = |server: &Server, hook: &str| {
        server.get("/metrics").1.contains(&format!("resultsdb_alerts_total{{hook=\"{hook}\"}} 1"))
    };
    until("that is remembered", || told(&server, "weekly") && told(&server, "single"));
    stop(server);
    // Another process does not tell it again; a hook of another name is told by then, so that this one was looked at.
    let third = Receiver::start();
    let more = format!("{hooks}[[alerts.hooks]]\nname = \"third\"\nurl = \"{}\"\ndigest = \"weekly\"\n", third.url);
    let server = with_hooks(folder.path(), &more);
    until("the new hook is told", || !third.bodies().is_empty());
    let message: Value = serde_json::from_slice(&third.bodies()[0]).unwrap();
    assert_eq!((message["digest"]["new"].as_u64(), message["digest"]["owner"].as_str()), (Some(2), None));
    until("that is remembered", || told(&server, "third"));
    assert_eq!((weekly.bodies().len(), single.bodies().len()), (1, 1));
}

#[test]
fn owners_that_make_no_sense_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    for (config, told) in [
        ("[[owners]]\npattern = \"a\"\nowners = [\" \"]\n", "is no owner"),
        ("[[owners]]\npattern = \"a\"\n", "owners"),
        ("[[owners]]\npatern = \"a\"\nowners = []\n", "did you mean `pattern`?"),
        ("[[repositories.a.owners]]\nsuite = \"s\"\n", "in repositories.a.owners: the repository has no source"),
        (
            "[repositories.a.source]\nkind = \"git\"\npath = \"/a\"\n[[repositories.a.owners]]\nsuite = \"s\"\n\
             [[repositories.a.owners]]\nsuite = \"s\"\n",
            "the suite 's' is in repositories.a.owners already",
        ),
        (
            "[[repositories.a.owners]]\nsuite = \"s\"\nfiles = [\"../CODEOWNERS\"]\n",
            "repositories.a.owners[0]: '../CODEOWNERS' is no file",
        ),
        ("[[repositories.a.owners]]\nsuite = \"s\"\nfile = \"CODEOWNERS\"\n", "did you mean `files`?"),
        ("[[alerts.hooks]]\nname = \"a\"\nurl = \"https://a.example.org\"\ndigest = \"daily\"\n", "weekly"),
        (
            "[[alerts.hooks]]\nname = \"a\"\nurl = \"https://a.example.org\"\nowner = \"/(/\"\n",
            "the owner of the hook 'a'",
        ),
    ] {
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let mut command = RESULTSDB.command();
        command.arg("serve").arg("--data-dir").arg(folder.path().join("data")).args(["--listen", "127.0.0.1:0"]);
        let output = command.arg("--config").arg(&file).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && error.contains(told), "{told} in {error}");
    }
}
