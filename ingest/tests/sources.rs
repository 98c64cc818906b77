//! Commits as a clone, GitHub and GitLab tell of the same repository.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use ingest::sources::{Source, SourceError};
use outbound::{Outbound, OutboundOptions};
use schema::commit::Commit;
use test_support::forge::{TOKEN, serve};
use test_support::git::git;

const START: i64 = 1_700_000_000;

/// main: 1 2 3 4 (merge of `topic`: 3a 3b) 7; release leaves at 3. 2 and 3 share a second.
fn repository(at: &Path) {
    git(at, START, &["init", "-q", "-b", "main"]);
    let commit = |time: i64, message: &str| {
        git(at, time, &["commit", "-q", "--allow-empty", "-m", message]);
    };
    commit(START, "one");
    commit(START + 10, "two\n\nwith more to say, \u{1F980} and \"quotes\"");
    commit(START + 10, "three");
    git(at, 0, &["branch", "release/2"]);
    git(at, 0, &["checkout", "-q", "-b", "topic"]);
    commit(START + 20, "three a");
    commit(START + 30, "three b");
    git(at, 0, &["checkout", "-q", "main"]);
    commit(START + 40, "four");
    git(at, START + 50, &["merge", "-q", "--no-ff", "-m", "merge", "topic"]);
    commit(START + 60, "eight");
    git(at, 0, &["checkout", "-q", "release/2"]);
    commit(START + 25, "release one");
    commit(START + 35, "release two");
}

/// The forge of the tests listens on this machine.
fn local() -> Outbound {
    OutboundOptions { allow: vec!["127.0.0.1".to_owned()] }.try_into().unwrap()
}

fn walk(source: &Source, branch: &str) -> Vec<Commit> {
    let mut found = Vec::new();
    source
        .walk(&local(), "project", "main", branch, |commit| {
            found.push(commit);
            Ok::<_, SourceError>(())
        })
        .unwrap();
    found
}

fn names(commits: &[Commit]) -> Vec<(String, i64)> {
    commits.iter().map(|commit| (commit.identifier.clone().unwrap(), commit.order)).collect()
}

fn check(source: &Source) -> Vec<Commit> {
    let main = walk(source, "main");
    let expected = ["8@main", "7@main", "4@main", "3@main", "2@main", "1@main"];
    assert_eq!(names(&main), expected.map(|name| (name.to_owned(), i64::from(name == "3@main"))));
    assert_eq!(main[4].message.as_deref(), Some("two\n\nwith more to say, \u{1F980} and \"quotes\""));
    let author = main[0].author.as_ref().unwrap();
    assert_eq!((author.name.as_str(), author.emails.as_slice()), ("Ada", &["ada@example.org".to_owned()][..]));
    let release = walk(source, "release/2");
    assert_eq!(names(&release), [("3.2@release/2".to_owned(), 0), ("3.1@release/2".to_owned(), 0)]);

    let find = |reference: &str| source.find(&local(), "project", "main", reference);
    for commit in &main {
        let hash = commit.hash.as_ref().unwrap();
        assert_eq!(find(hash).unwrap(), *commit);
        assert_eq!(find(&hash[..9].to_uppercase()).unwrap(), *commit);
    }
    assert_eq!(find("8@main").unwrap(), main[0]);
    assert_eq!(find(release[0].hash.as_ref().unwrap()).unwrap(), release[0]);
    assert_eq!(find("3.2@release/2").unwrap(), release[0]);
    for unknown in [
        "9@main",
        "0@main",
        "1@nowhere",
        "4.2@release/2",
        "main",
        "HEAD",
        "12",
        "r12",
        "deadbeef",
        "-n@x",
        "1@--all",
        "1@a..b",
        "x@main",
    ] {
        assert!(matches!(find(unknown), Err(SourceError::Unknown(..))), "{unknown}: {:?}", find(unknown));
    }
    [main, release].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_hosts_tell_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (work, token) = (folder.path().join("work"), folder.path().join("token"));
    std::fs::create_dir(&work).unwrap();
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    repository(&work);
    let copy = folder.path().join("copy");
    git(folder.path(), 0, &["clone", "-q", &work.display().to_string(), &copy.display().to_string()]);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.display().to_string();
    let url = serve(work.clone()).await;
    let token_file = Some(token);
    let github = Source::Github { url: url.clone(), repository: "owner/name".into(), token_file: token_file.clone() };
    let gitlab = Source::Gitlab { url: url.clone(), project: "group/name".into(), token_file };
    let refused = Source::Github { url, repository: "owner/name".into(), token_file: None };
    tokio::task::spawn_blocking(move || {
        let told = check(&Source::Git { path: work });
        assert_eq!(check(&Source::Git { path: copy }), told);
        assert_eq!(check(&github), told);
        assert_eq!(check(&gitlab), told);
        let error = refused.find(&local(), "project", "main", "deadbeef").unwrap_err().to_string();
        assert!(error.contains("did not answer: status 401"), "{error}");
        // A clone that is missing is not asked for a commit in vain, whether that is named by its hash or by its number.
        for (path, named) in [("/nowhere", "deadbeef"), ("/nowhere", "3@main"), (empty.as_str(), "3@main")] {
            let error = Source::Git { path: path.into() }.find(&local(), "project", "main", named).unwrap_err();
            assert!(matches!(error, SourceError::NoClone { .. }), "{named} in {path}: {error}");
            assert!(error.to_string().starts_with(&format!("no git clone lies at {path}: fatal: ")), "{error}");
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_host_is_asked_only_where_it_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), START, &["init", "-q", "-b", "main"]);
    let url = serve(folder.path().to_owned()).await.replace("127.0.0.1", "localhost");
    let sources = [
        Source::Github { url: url.clone(), repository: "owner/name".into(), token_file: None },
        Source::Gitlab { url, project: "group/name".into(), token_file: None },
    ];
    tokio::task::spawn_blocking(move || {
        for source in sources {
            let ask =
                |outbound: &Outbound| source.find(outbound, "project", "main", "deadbeef").unwrap_err().to_string();
            let error = ask(&Outbound::default());
            assert!(error.contains("did not answer: the host localhost is private (loopback)"), "{error}");
            let listed = OutboundOptions { allow: vec!["localhost".to_owned()] }.try_into().unwrap();
            assert!(ask(&listed).contains("did not answer: status 401"), "{}", ask(&listed));
        }
    })
    .await
    .unwrap();
}
