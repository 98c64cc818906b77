#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;

fn with(flags: &[&str]) -> anyhow::Result<Config> {
    Config::load(None, &flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>())
}

#[test]
fn unknown_members_are_refused_with_the_nearest_name() {
    let error = with(&["kafka.broker=x"]).unwrap_err().to_string();
    assert!(error.contains("`broker`") && error.ends_with("did you mean `brokers`?"), "{error}");
    let error = with(&["titel=x"]).unwrap_err().to_string();
    assert!(error.ends_with("did you mean `title`?"), "{error}");
}

#[test]
fn errors_name_the_member() {
    let refused = |flag: &str| with(&[flag]).unwrap_err().to_string();
    let error = refused("access.limits.requests_per_second=0");
    assert!(error.starts_with("in the flag --set access.limits.requests_per_second: "), "{error}");
    let error = refused("access.proxies=[\"10.0.0.1\", \"proxy\"]");
    assert!(
        error.starts_with(
            "in the flag --set access.proxies, access.proxies[1]: 'proxy' is neither an address nor a network"
        ),
        "{error}"
    );
    for address in
        ["results.example.org", "javascript:alert(1)", "https://a.example.org/path", "https://u@a.example.org", ""]
    {
        let error = refused(&format!("address=\"{address}\""));
        assert!(error.starts_with("in the flag --set address: ") && error.contains("without a path"), "{error}");
    }
    assert_eq!(with(&["address=https://a.example.org/"]).unwrap().address.as_deref(), Some("https://a.example.org"));
    let key = "name=\"a\",digest=\"1\",scopes=[\"read\"]";
    for expires in ["\"2027-02-30\"", "\"soon\"", "7"] {
        let error = refused(&format!("access.keys=[{{{key},expires={expires}}}]"));
        assert!(error.contains("access.keys[0].expires: ") && error.contains("a day, such as"), "{error}");
    }
    assert!(with(&["access.proxies=[\"10.0.0.1\", \"fd00::/8\"]"]).is_ok());
    let error = refused("clickhouse.cluster={name='results', replicas=0}");
    assert_eq!(error, "in the flag --set clickhouse.cluster: a cluster has at least one replica");
    let error = refused("clickhouse.cluster={name=\"it's\", replicas=2}");
    assert!(error.starts_with("in the flag --set clickhouse.cluster: 'it's' is no name of a cluster"), "{error}");
    let error = refused("clickhouse.cluster={name='results', replica=2}");
    assert!(error.ends_with("did you mean `replicas`?"), "{error}");
    assert!(with(&["clickhouse.cluster={name='results', replicas=2}"]).is_ok());
    // TOML has days of its own, without quotes.
    assert!(with(&[&format!("access.keys=[{{{key},expires=2027-01-31}}]")]).is_ok());
}

#[test]
fn errors_name_what_gave_the_member() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ok.toml");
    let told = |text: &str, flags: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Config::load(Some(&file), &flags).unwrap_err().to_string().replace(file.to_str().unwrap(), "FILE")
    };
    let cluster = "[clickhouse.cluster]\nname = 'results'\n";
    for (text, flags, begin) in [
        ("title = 'x'", &["sweep.days=x"][..], "in the flag --set sweep.days: invalid type"),
        ("title = 'x'", &["sweep.dayz=3"], "in the flag --set sweep.dayz: unknown field"),
        ("title = 'x'", &["sweep={days='x'}"], "in the flag --set sweep, sweep.days: invalid type"),
        ("title = 'x'", &["titel=y"], "in the flag --set titel: unknown field"),
        ("[sweep]\ndays = 'x'", &["sweep.grace_days=3"], "in FILE, sweep.days: invalid type"),
        ("[sweep]\ndays = 'x'", &["sweep.days=y"], "in the flag --set sweep.days: invalid type"),
        ("[sweep]\ndayz = 3", &["title=y"], "in FILE, sweep.dayz: unknown field"),
        // Both have a part in it.
        (
            cluster,
            &["clickhouse.cluster.replicas=0"],
            "in FILE with the flag --set clickhouse.cluster.replicas, clickhouse",
        ),
        (
            "",
            &["clickhouse.cluster.replicas=2"],
            "in the flag --set clickhouse.cluster.replicas, clickhouse.cluster: missing",
        ),
        (cluster, &[], "in FILE, clickhouse.cluster: missing field `replicas`"),
    ] {
        let error = told(text, flags);
        assert!(error.starts_with(begin), "{text} {flags:?}: {error}");
    }
}

/// Only a value that is no good is repeated, by what reads it.
#[test]
fn flags_are_named_without_their_values() {
    let error = format!("{:#}", with(&["title=a", "title.secret=b"]).unwrap_err());
    assert_eq!(error, "in the flag --set title.secret: `title` has no members");
}

#[test]
fn flags_set_members() {
    let config = with(&["kafka.brokers=a:1,b:2", "tests_limits={max=7,default=3}", "title=My results"]).unwrap();
    assert_eq!((config.kafka.brokers.as_str(), config.tests_limits.max), ("a:1,b:2", 7));
    assert_eq!(config.title, "My results");
    assert!(with(&["title=x", "title.y=1"]).is_err());
    assert!(with(&["title"]).is_err());
}

#[test]
fn results_are_kept_for_as_long_as_is_configured() {
    let config = with(&["retention_weeks=52", r#"retention=[{suite="layout*",weeks=4}]"#]).unwrap();
    let retention = config.retention().unwrap();
    let weeks = |suite| retention.seconds(suite, "default") / schema::seconds::WEEK as i64;
    assert_eq!((weeks("layout-tests"), weeks("api-tests")), (4, 52));
    assert_eq!(with(&[]).unwrap().retention().unwrap(), Retention::default());
    let error = with(&["retention_weeks=0"]).unwrap().retention().unwrap_err().to_string();
    assert!(error.starts_with("retention_weeks is 0"), "{error}");
    assert!(with(&["retention=[{weeks=4,suites=\"x\"}]"]).is_err());
}

#[test]
fn every_example_of_the_documentation_is_right() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let text = std::fs::read_to_string(docs.join("access.md")).unwrap();
    let examples: Vec<&str> = text.split("```toml\n").skip(1).filter_map(|part| part.split("```").next()).collect();
    assert!(examples.len() >= 2);
    for example in examples {
        std::fs::write(&file, example).unwrap();
        let config = Config::load(Some(&file), &[]).unwrap_or_else(|error| panic!("{error:#}\n{example}"));
        assert!(config.access.is_some_and(|access| access.people.is_some()), "{example}");
    }
}

#[test]
fn archives_are_apart_only_where_a_browser_keeps_them_so() {
    let origin = |flags: &[&str]| {
        let flags = [&["archive_origin=https://archives.example.net"], flags].concat();
        with(&flags).unwrap().archive_origin().map(|origin| origin.is_some()).map_err(|error| error.to_string())
    };
    assert_eq!(origin(&["address=https://results.example.org"]), Ok(true));
    assert_eq!(origin(&["access.reading=open"]), Ok(true));
    assert_eq!(origin(&["access.reading=closed"]), Ok(true));
    assert!(origin(&["address=https://archives.example.net/"]).unwrap_err().contains("the origin of address"));
    assert!(with(&["archive_origin=archives"]).unwrap_err().to_string().contains("'archives' is no origin"));
    assert_eq!(with(&[]).unwrap().archive_origin().unwrap(), None);
}

#[test]
fn the_examples_load() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for name in ["minimal.toml", "webkit.toml", "compose.toml", "cluster/services.toml", "production.toml"] {
        let config = Config::load(Some(&examples.join(name)), &[]).unwrap();
        config.query(config.door().unwrap()).unwrap();
    }
}
