//! Keys from their making to their end.

use std::process::{Command, Output};
use std::time::Instant;

use serde_json::{Value, json};
use test_support::clock::now;
use test_support::documents::upload;
use test_support::wait::until;

use super::keyed::{KeyedServer, RESULTSDB};

fn run(mut command: Command) -> (bool, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// `resultsdb keys …` with a key.
fn keys(keyed: &KeyedServer, key: &str, words: &[&str]) -> (bool, String, String) {
    let mut command = RESULTSDB.command();
    command.arg("keys").args(words).args(["--url", &keyed.server.url]).env("RESULTSDB_KEY", key);
    run(command)
}

fn document() -> Value {
    let time = now() - 3600;
    serde_json::from_slice(&upload(time - 60, time, &json!({ "a.html": {} }))).unwrap()
}

#[test]
fn a_key_is_made_used_replaced_and_revoked() {
    let mut keyed = KeyedServer::start("");
    let (made, key, told) = keys(
        &keyed,
        &keyed.admin,
        &["create", "--name", "bots", "--scope", "upload:suite=layout-tests", "--scope", "read"],
    );
    let key = key.trim();
    assert!(made && key.starts_with("rdb_u_") && key.len() == 55 && told.contains("until 20"), "{told}");
    let document = document().to_string();
    assert_eq!(keyed.status("POST", "/api/upload", Some(key), &document), 200);
    let (listed, list, _) = keys(&keyed, &keyed.admin, &["list"]);
    let line = list.lines().find(|line| line.contains("bots")).unwrap().to_owned();
    assert!(listed && line.contains("upload:suite=layout-tests read  until") && !list.contains(key), "{list}");
    let id = line.split(' ').next().unwrap();
    // Keys outlive the process.
    keyed.restart();
    assert_eq!(keyed.status("GET", "/api/suites", Some(key), ""), 200);
    // The old key and the new one count together.
    let (rotated, next, told) = keys(&keyed, &keyed.admin, &["rotate", id]);
    let next = next.trim();
    assert!(rotated && told.contains(&format!("{id} goes on to count")), "{told}");
    for key in [key, next] {
        assert_eq!(keyed.status("GET", "/api/suites", Some(key), ""), 200);
    }
    let begun = Instant::now();
    assert!(keys(&keyed, &keyed.admin, &["revoke", id]).0);
    until("the key counts no more", || keyed.status("GET", "/api/suites", Some(key), "") == 401);
    assert!(begun.elapsed().as_secs_f64() < 1.0 || cfg!(debug_assertions), "{:?}", begun.elapsed());
    assert_eq!(keyed.status("GET", "/api/suites", Some(next), ""), 200);
    // Whoever may not is told what their key is for.
    let (made, _, told) = keys(&keyed, next, &["create", "--name", "x", "--scope", "admin"]);
    assert!(
        !made && told.contains("does not allow administering: it has the scopes 'upload:suite=layout-tests read'"),
        "{told}"
    );
    let (revoked, _, told) = keys(&keyed, &keyed.admin, &["revoke", "abcdef"]);
    assert!(!revoked && told.contains("There is no key 'abcdef'"), "{told}");
    // When a key was used is known later.
    let used = || -> bool {
        let keys: Value =
            serde_json::from_str(&keyed.ask("GET", "/api/keys", Some(&keyed.admin), String::new())).unwrap();
        keys.as_array().unwrap().iter().any(|key| key["id"] == id && key["used_at"].as_i64() > Some(now() - 600))
    };
    until("the use of the key is written", used);
}

#[test]
fn a_key_of_the_configuration_is_printed_with_its_entry() {
    let mut command = RESULTSDB.command();
    command.args(["keys", "create", "--name", "first", "--scope", "admin"]).env_remove("RESULTSDB_URL");
    let (made, key, told) = run(command);
    let digest = access::Secret::parse(key.trim()).unwrap().digest().to_string();
    assert!(made && told.contains("[[access.keys]]") && told.contains(&digest) && !told.contains(key.trim()), "{told}");
}

#[test]
fn the_key_in_a_body_counts_and_is_nowhere_kept() {
    let keyed = KeyedServer::start("reading = \"open\"");
    let (_, key) = keyed.make(&["upload"]);
    let mut document = document();
    document["api_key"] = key.clone().into();
    assert_eq!(keyed.status("POST", "/api/upload", None, &document.to_string()), 200);
    let mut commit = document["commits"][0].clone();
    commit["api_key"] = key.clone().into();
    assert_eq!(keyed.status("POST", "/api/commits", None, &commit.to_string()), 200);
    // As a form, too.
    let form: String =
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(
                document.as_object().unwrap().iter().map(|(name, value)| {
                    (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                }),
            )
            .finish();
    let sent = keyed.send("POST", "/api/upload", None, "application/x-www-form-urlencoded", form.into_bytes());
    assert_eq!(sent.status(), 200);
    // A wrong key is refused, and its answer does not repeat it.
    let wrong = access::Secret::generate(access::Kind::Upload).unwrap();
    document["api_key"] = wrong.expose().into();
    let mut refused = keyed.send("POST", "/api/upload", None, "application/json", document.to_string().into_bytes());
    let text = refused.body_mut().read_to_string().unwrap();
    assert!(refused.status() == 401 && text.contains("does not know it") && !text.contains(wrong.expose()), "{text}");
    for key in ["", "rdb_u_short", "5"] {
        document["api_key"] = key.into();
        assert_eq!(keyed.status("POST", "/api/upload", None, &document.to_string()), 401, "{key}");
    }
    // Neither the answers nor the data directory hold the key: what is compressed is read through the API.
    let uploads = keyed.ask("GET", "/api/upload?suite=layout-tests", None, String::new());
    assert!(uploads.contains("layout-tests") && !uploads.contains("api_key") && !uploads.contains(&key), "{uploads}");
    let mut found = Command::new("grep");
    found.args(["-rlF", &key]).arg(keyed.folder.path());
    assert_eq!(run(found).1, "");
}

#[test]
fn who_did_what_is_known() {
    let keyed = KeyedServer::start("");
    let (id, key) = keyed.make(&["link"]);
    let bug = json!({ "suite": "layout-tests", "test": "a.html", "url": "https://bugs.example.org/1" }).to_string();
    assert_eq!(keyed.status("POST", "/api/bugs", Some(&key), &bug), 200);
    let audit: Value =
        serde_json::from_str(&keyed.ask("GET", "/api/audit", Some(&keyed.admin), String::new())).unwrap();
    let of = |action: &str| audit.as_array().unwrap().iter().find(|entry| entry["action"] == action).unwrap().clone();
    assert_eq!(of("linked a bug")["actor"], format!("made (key {id})"));
    assert_eq!(of("linked a bug")["subject"], "layout-tests a.html: https://bugs.example.org/1");
    assert!(of("made a key")["actor"].as_str().unwrap().starts_with("first (key "));
}

#[test]
fn an_open_server_makes_no_keys_and_is_not_started_for_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let server = RESULTSDB.serve(folder.path());
    let (status, text) = server.post("/api/keys", br#"{"name":"a","scopes":["admin"]}"#).unwrap();
    assert!(status == 400 && text.contains("configure [access] first"), "{text}");
    let mut command = RESULTSDB.command();
    command.args(["serve", "--listen", "0.0.0.0:0", "--data-dir"]).arg(folder.path().join("other"));
    let (started, _, told) = run(command);
    assert!(!started && told.contains("configure [access]") && told.contains("--open"), "{told}");
}
