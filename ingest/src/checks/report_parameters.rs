//! What a request says beside the reports that it posts: suite, commit, configuration, and where the run comes from.

use reports::Format;
use reports::document::{Change, Head, RunOrigin, Shard};
use schema::configuration::{Configuration, MEMBERS};
use schema::intake_report::UploadFault;
use serde_json::{Map, Value, json};

use crate::error::{IntakeError, bad, faulty};

/// Names of the parameters beside the members of a configuration. The last stands for `label.` with any key.
pub(crate) const NAMES: [&str; 14] = [
    "suite",
    "repository_id",
    "commit",
    "branch",
    "timestamp",
    "started",
    "link",
    "run",
    "exit_code",
    "shard",
    "expect",
    "change",
    "format",
    "label.key",
];
/// Begins the name of a parameter that gives a label.
const LABEL: &str = "label.";

/// Whether a parameter or field of a form gives a member of the configuration.
pub(crate) fn is_configuration(name: &str) -> bool {
    MEMBERS.contains(&name) || name.starts_with(LABEL)
}

/// The configuration that parameters or fields of a form give, checked. None of its members is required.
pub(crate) fn configuration(pairs: &[(String, String)]) -> Result<Configuration, IntakeError> {
    let members = Value::Object(Given(pairs).configuration()?);
    Configuration::from_json(&members).map_err(|error| faulty(UploadFault::Configuration, error.to_string()))
}

/// The parameters of a request, checked.
#[derive(Debug)]
pub(crate) struct ReportParameters {
    /// What the reports do not know.
    pub(crate) head: Head,
    /// The form of the reports, if that is not left to their contents.
    pub(crate) format: Option<Format>,
}

impl ReportParameters {
    /// Reads names and values, as a query or the fields of a form give them. An empty value says nothing; of several the
    /// last counts, but for `expect`.
    pub(crate) fn read(pairs: &[(String, String)]) -> Result<Self, IntakeError> {
        let is_known = |name: &str| NAMES.contains(&name) || is_configuration(name);
        if let Some((unknown, _)) = pairs.iter().find(|(name, _)| !is_known(name)) {
            return Err(bad(format!(
                "'{unknown}' is no parameter of this endpoint; write 'label.{unknown}=…' if it belongs to the configuration"
            )));
        }
        let given = Given(pairs);
        let suite = given
            .text("suite")
            .ok_or_else(|| faulty(UploadFault::Suite, "No test suite specified: write suite=NAME in the address"))?;
        let change = given.text("change").map(|id| Change { id: id.to_owned(), ..Change::default() });
        let run = given.text("run").map(str::to_owned);
        let head = Head {
            suite: suite.to_owned(),
            configuration: given.configuration()?,
            commits: vec![given.commit(change.as_ref())?],
            timestamp: given.seconds("started")?,
            ended: None,
            details: given
                .text("link")
                .map(|link| Map::from_iter([("link".to_owned(), link.into())]))
                .unwrap_or_default(),
            run: RunOrigin {
                id: run.clone(),
                link: given.text("link").map(str::to_owned),
                exit_code: given.number("exit_code")?,
                tool: None,
            },
            shard: given.shard(run)?,
            expects: given.all("expect").map(str::to_owned).collect(),
            change,
        };
        let format = match given.text("format").filter(|format| *format != "auto") {
            None => None,
            Some(format) => {
                Some(format.parse::<Format>().map_err(|error| faulty(UploadFault::UnknownForm, error.to_string()))?)
            }
        };
        Ok(Self { head, format })
    }
}

/// Names and values as they were given.
struct Given<'a>(&'a [(String, String)]);

impl<'a> Given<'a> {
    fn all(&self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a str> {
        let of_name = self.0.iter().filter(move |(found, value)| found == name && !value.is_empty());
        of_name.map(|(_, value)| value.as_str())
    }

    fn text(&self, name: &'a str) -> Option<&'a str> {
        self.all(name).next_back()
    }

    fn number<T: std::str::FromStr>(&self, name: &'a str) -> Result<Option<T>, IntakeError> {
        let number =
            |text: &str| text.parse().map_err(|_| bad(format!("'{name}' must be a whole number, not '{text}'")));
        self.text(name).map(number).transpose()
    }

    /// A time, seconds since 1970.
    fn seconds(&self, name: &'a str) -> Result<Option<i64>, IntakeError> {
        match self.number::<i64>(name)? {
            Some(seconds) if !(1..=i64::from(u32::MAX)).contains(&seconds) => {
                Err(faulty(UploadFault::Time, format!("'{name}' must be a time in seconds since 1970, not {seconds}")))
            }
            seconds => Ok(seconds),
        }
    }

    fn configuration(&self) -> Result<Map<String, Value>, IntakeError> {
        let mut members = Map::new();
        for name in MEMBERS {
            let Some(text) = self.text(name) else { continue };
            let value = if name == "is_simulator" { truth(text)?.into() } else { Value::from(text) };
            members.insert(name.to_owned(), value);
        }
        for (name, value) in self.0 {
            if let Some(key) = name.strip_prefix(LABEL) {
                if MEMBERS.contains(&key) {
                    return Err(faulty(
                        UploadFault::Configuration,
                        format!("'{name}' is a named member of a configuration: write {key}=…"),
                    ));
                }
                members.insert(key.to_owned(), value.as_str().into());
            }
        }
        let members = Value::Object(members);
        Configuration::from_json(&members).map_err(|error| faulty(UploadFault::Configuration, error.to_string()))?;
        Ok(if let Value::Object(members) = members { members } else { Map::new() })
    }

    /// The commit as an upload has it: complete if its time is given, else a reference.
    fn commit(&self, change: Option<&Change>) -> Result<Value, IntakeError> {
        let needed = |name: &str, what: &str| {
            faulty(UploadFault::Commit, format!("No {what} specified: write {name}=… in the address"))
        };
        let repository = self.text("repository_id").ok_or_else(|| needed("repository_id", "repository"))?;
        let commit = self.text("commit").ok_or_else(|| needed("commit", "commit"))?;
        let Some(timestamp) = self.seconds("timestamp")? else {
            if change.is_some() {
                return Err(faulty(
                    UploadFault::Commit,
                    "A commit of a change needs its time: write timestamp=SECONDS in the address",
                ));
            }
            return Ok(json!({ "repository_id": repository, "id": commit }));
        };
        let branch = change.map(Change::branch).or_else(|| self.text("branch").map(str::to_owned));
        let branch = branch.unwrap_or_else(|| "main".to_owned());
        let mut members = json!({ "repository_id": repository, "branch": branch, "timestamp": timestamp });
        match commit.split_once('@') {
            Some(_) => members["identifier"] = commit.into(),
            None if commit.len() == 40 => members["hash"] = commit.into(),
            None => members["id"] = commit.into(),
        }
        Ok(members)
    }

    /// `3/8` of a run that the CI names.
    fn shard(&self, of: Option<String>) -> Result<Option<Shard>, IntakeError> {
        let Some(text) = self.text("shard") else { return Ok(None) };
        let parts = text.split_once('/').and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
        match parts {
            Some((index, count)) if (1..=count).contains(&index) => Ok(Some(Shard { index, count, of })),
            _ => Err(bad(format!("'shard' is which part of how many, such as 3/8, not '{text}'"))),
        }
    }
}

fn truth(text: &str) -> Result<bool, IntakeError> {
    match text {
        "true" | "True" | "1" | "yes" => Ok(true),
        "false" | "False" | "0" | "no" => Ok(false),
        _ => Err(faulty(UploadFault::Configuration, format!("'is_simulator' is true or false, not '{text}'"))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<ReportParameters, String> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        ReportParameters::read(&pairs).map_err(|error| error.to_string())
    }

    const GOOD: &str = "suite=unit&repository_id=app&commit=9be1cfa0";

    #[test]
    fn every_parameter_is_read() {
        let query = format!(
            "{GOOD}&timestamp=1700000000&branch=next&platform=linux&version=22.4&is_simulator=false&label.python=3.12\
             &link=https://ci/1&run=77&exit_code=1&shard=3/8&expect=a&expect=b&started=1700000100&format=junit"
        );
        let ReportParameters { head, format } = read(&query).unwrap();
        assert_eq!((head.suite.as_str(), format, head.timestamp), ("unit", Some(Format::Junit), Some(1_700_000_100)));
        let commit = json!({ "repository_id": "app", "branch": "next", "timestamp": 1_700_000_000, "id": "9be1cfa0" });
        assert_eq!(head.commits, [commit]);
        let configuration = json!({ "platform": "linux", "version": "22.4", "is_simulator": false, "python": "3.12" });
        assert_eq!(Value::Object(head.configuration), configuration);
        assert_eq!((head.run.exit_code, head.run.id.as_deref()), (Some(1), Some("77")));
        assert_eq!(head.shard, Some(Shard { index: 3, count: 8, of: Some("77".into()) }));
        assert_eq!((head.expects.len(), &head.details["link"]), (2, &json!("https://ci/1")));
    }

    #[test]
    fn commits_have_several_spellings() {
        let commit = |query: &str| read(query).unwrap().head.commits[0].clone();
        assert_eq!(commit(GOOD), json!({ "repository_id": "app", "id": "9be1cfa0" }));
        let digits = "1".repeat(40);
        let timed = |commit: &str| format!("suite=s&repository_id=app&timestamp=7&commit={commit}");
        assert_eq!(commit(&timed(&digits))["hash"], json!(digits));
        assert_eq!(commit(&timed("12@main"))["identifier"], "12@main");
        assert_eq!(commit(&format!("{}&change=4&branch=main", timed("abc")))["branch"], "change/4");
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (query, said) in [
            ("", "write suite=NAME"),
            ("suite=s", "write repository_id="),
            ("suite=s&repository_id=r", "write commit="),
            ("suite=s&repository_id=r&commit=&x=1", "'x' is no parameter"),
            (&format!("{GOOD}&python=3"), "write 'label.python="),
            (&format!("{GOOD}&label.Python=3"), "'Python' cannot be a member"),
            (&format!("{GOOD}&label.style=3"), "write style="),
            (&format!("{GOOD}&shard=0/8"), "such as 3/8, not '0/8'"),
            (&format!("{GOOD}&shard=9/8"), "such as 3/8"),
            (&format!("{GOOD}&timestamp=now"), "'timestamp' must be a whole number"),
            (&format!("{GOOD}&started=0"), "'started' must be a time"),
            (&format!("{GOOD}&exit_code=red"), "'exit_code' must be a whole number"),
            (&format!("{GOOD}&version=new"), "'new' is not a version"),
            (&format!("{GOOD}&is_simulator=maybe"), "is true or false"),
            (&format!("{GOOD}&format=html"), "html"),
            (&format!("{GOOD}&change=4"), "needs its time"),
        ] {
            let error = read(query).unwrap_err();
            assert!(error.contains(said), "{query}: {error}");
        }
    }
}
