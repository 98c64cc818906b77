//! What is told of a wrong configuration, and that the one of the documentation is right.

use identity::{IssuerError, IssuerOptions, Issuers};
use outbound::Outbound;
use serde::Deserialize;

#[derive(Deserialize)]
struct Configuration {
    access: Access,
}

/// The rest of `[access]` is not of this crate.
#[derive(Deserialize)]
struct Access {
    issuers: Vec<IssuerOptions>,
}

fn error(toml: &str) -> IssuerError {
    let Configuration { access } = toml::from_str(toml).unwrap();
    Issuers::new(&access.issuers, &Outbound::default()).unwrap_err()
}

/// The TOML of all examples in a document.
fn examples(document: &str) -> Vec<String> {
    document.split("```toml\n").skip(1).map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

#[test]
fn every_example_of_the_documentation_is_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/identity.md");
    let examples = examples(&std::fs::read_to_string(path).unwrap());
    assert!(examples.len() >= 3, "GitHub, GitLab and Buildkite");
    for example in &examples {
        let Configuration { access } = toml::from_str(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
        assert!(!Issuers::new(&access.issuers, &Outbound::default()).unwrap().is_empty(), "{example}");
    }
}

#[test]
fn unknown_words_are_refused() {
    let base = "issuer = 'https://ci'\naudience = 'a'\n";
    for line in [
        "algorithms = ['HS256']",
        "algorithms = ['none']",
        "algoritms = ['RS256']",
        "[[policies]]\nclaims = {}\nscopes = []\nlane = 1",
        "[[policies]]\nclaims = {}\nscopes = ['upload:lane=trunk']",
    ] {
        assert!(toml::from_str::<IssuerOptions>(&format!("{base}{line}")).is_err(), "{line}");
    }
    assert!(toml::from_str::<IssuerOptions>(base).is_ok());
}

#[test]
fn the_first_mistake_is_told_in_one_sentence() {
    let policy = "\n[[access.issuers.policies]]\nclaims = { repository_id = 1 }\nscopes = ['upload']\n";
    let issuer = |lines: &str| format!("[[access.issuers]]\n{lines}{policy}");
    let good = issuer("issuer = 'https://ci.example.org'\naudience = 'a'");
    for (toml, expected) in [
        (issuer("issuer = 'http://ci.example.org'\naudience = 'a'"), "'http://ci.example.org' is not an https address"),
        (
            issuer("issuer = 'https://ci'\naudience = 'a'\njwks = 'http://ci/keys'"),
            "'http://ci/keys' is not an https address",
        ),
        (issuer("issuer = 'https://ci'\naudience = ''"), "'https://ci' needs an audience"),
        (issuer("issuer = 'https://ci'\naudience = 'a'\nalgorithms = []"), "'https://ci' needs an algorithm"),
        ("[[access.issuers]]\nissuer = 'https://ci'\naudience = 'a'".to_owned(), "'https://ci' has no policy"),
        (format!("{good}{good}"), "'https://ci.example.org' is there twice"),
        (
            good.replace("repository_id = 1", "repository = 'octo/widget'"),
            "policy 1 of 'https://ci.example.org' names no id",
        ),
        (
            good.replace("'upload'", "'admin'"),
            "policy 1 of 'https://ci.example.org' needs 1 to 32 scopes, and never 'admin'",
        ),
    ] {
        let error = error(&toml).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}
