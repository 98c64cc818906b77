//! Readers of small things: documents of uploads, events, searches, keys, tokens, addresses, archives, and what the engine's
//! front is asked. Each has inputs that it knows, and says what is wrong with how it reads one.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use access::{Scopes, Secret};
use answers::ask::parse_asked_version;
use answers::search::{Search, Subject as Row};
use answers::triage;
use fastrand::Rng;
use identity::Issuers;
use outbound::Outbound;
use processor::rows::EventRows;
use schema::commit::CommitInput;
use schema::configuration::Configuration;
use schema::owners::{OwnersFile, path_of};
use schema::{event, results};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::check::{MEMORY, TIME};
use crate::mutate::{FEW_CHANGES, JSON, mutate};
use crate::packing::Packing;
use crate::subject::{Checked, Subject};

/// A reader of something small.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    /// Its name, for people.
    name: &'static str,
    /// Inputs that it knows.
    seeds: &'static [&'static str],
    /// Pieces that mean something to it.
    tokens: &'static [&'static str],
    /// Reads an input: whether it was understood, or what is wrong with how it was read.
    read: fn(&[u8]) -> Result<bool, String>,
}

/// All readers of small things.
pub const PARSERS: [Parser; 11] = [
    Parser { name: "upload", seeds: UPLOADS, tokens: JSON, read: upload },
    Parser { name: "event", seeds: EVENTS, tokens: JSON, read: event },
    Parser { name: "search", seeds: SEARCHES, tokens: WORDS, read: search },
    Parser {
        name: "version",
        seeds: &["14.2.1", "10", "1.2.3.4", "0.0.0"],
        tokens: &[".", "-", "9", "0x"],
        read: version,
    },
    Parser { name: "key", seeds: KEYS, tokens: &["rdb_", "_", "u", "0"], read: key },
    Parser {
        name: "scopes",
        seeds: SCOPES,
        tokens: &["upload:", "suite=", ",", "*", "lane=change", " "],
        read: scopes,
    },
    Parser { name: "token", seeds: TOKENS, tokens: &[".", "eyJ", "=", "e30", "_"], read: token },
    Parser {
        name: "address",
        seeds: ADDRESSES,
        tokens: &["http://", "@", "[", "]", ":", "#", "?", "%", "/"],
        read: address,
    },
    Parser {
        name: "archive",
        seeds: ARCHIVED,
        tokens: &["PK\u{3}\u{4}", "PK\u{1}\u{2}", "PK\u{5}\u{6}", "../", "/"],
        read: archive,
    },
    Parser { name: "engine", seeds: ENGINE, tokens: SQL, read: engine },
    Parser {
        name: "owners",
        seeds: OWNERS,
        tokens: &["*", "**/", "?", "[", "]", "@a", " ", "\n", "\\", "#", "^"],
        read: owners,
    },
];

const OWNERS: &[&str] = &[
    "# all\n* @all\n/tests/ @qa @ada # comment\nsrc/**/test_*.py @py\na\\ b.js x@example.org\n/free/\n",
    "[Tests] @qa\ntests/\n^[Docs][2] @docs\n*.md\n",
];
const UPLOADS: &[&str] = &[
    r#"{"version":0,"suite":"layout-tests","configuration":{"platform":"Mac","version":"14.2.1","is_simulator":false,"style":"Release","architecture":"arm64"},"commits":[{"repository_id":"webkit","branch":"main","hash":"1abe25b443e985f93b90d830e4a7e3731336af4d","timestamp":1700000000,"identifier":"1@main"}],"timestamp":1700000100,"test_results":{"results":{"a":{"b.html":{"actual":"TEXT PASS","expected":"FAIL","time":1.5,"log":"line\nline"},"c.html":{}}},"details":{"link":"https://ci.example.org/1"},"run_stats":{"tests_skipped":4}}}"#,
    r#"{"suite":"a","configuration":{"platform":"iOS","version":17000000,"is_simulator":true,"sdk":"21A"},"commits":[{"repository_id":"webkit","id":"1@main"}],"test_results":{"results":{"x":{"actual":"CRASH","modifiers":"slow"}}}}"#,
];
const EVENTS: &[&str] = &[
    "{\"event_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"received_at\":1700000000,\"request\":{\"upload\":{\"suite\":\"a\",\"configuration\":{\"platform\":\"Mac\",\"version\":14002001,\"is_simulator\":false},\"commits\":[{\"repository_id\":\"webkit\",\"branch\":\"main\",\"timestamp\":1700000000,\"order\":0,\"hash\":\"1abe25b4\"}],\"timestamp\":1700000100}}}\n{\"results\":{\"a\":{\"actual\":\"FAIL\",\"time\":2}}}",
    "{\"event_id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"received_at\":1700000000,\"request\":{\"commit\":{\"repository_id\":\"webkit\",\"branch\":\"main\",\"timestamp\":1700000000,\"order\":0,\"hash\":\"1abe25b4\"}}}\nnull",
];
const SEARCHES: &[&str] = &[
    "status:new -\"media/*.html\" on:ios,14 count:>3 flaky:<10% since:2h bug:none",
    "state:crash|timeout suite:layout* only:\"Mac arm64\" row:>=2",
    "(a ?b*",
];
const WORDS: &[&str] = &[
    " ",
    "\"",
    "-",
    ":",
    "|",
    "*",
    "?",
    "\\",
    ">",
    "<",
    ">=",
    "%",
    "status:new",
    "state:",
    "on:",
    "since:2d",
    "bug:none",
    "count:>",
    "(",
    ")",
];
const KEYS: &[&str] = &["rdb_u_0000000000000000000000000000000000000000000000000", "rdb_a_"];
const SCOPES: &[&str] =
    &["read link admin", "upload:suite=layout-*,repository=webkit,lane=change upload", "upload:suite=a?c"];
const TOKENS: &[&str] =
    &["eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.eyJpc3MiOiJodHRwczovL2NpLmV4YW1wbGUub3JnIiwiYXVkIjoiYSJ9.AAAA"];
const ADDRESSES: &[&str] = &["https://hooks.example.org/a?b=c", "http://[2001:db8::1]:8080/x", "http://192.0.2.1"];
/// What an archive is made of: a name and its contents, a line each.
const ARCHIVED: &[&str] = &["results/\nresults/results.html\n<p>All</p>\nresults/a-actual.txt\ntext", "a.txt\ntext"];
/// Query, content type and body.
const ENGINE: &[&str] = &[
    "query=SELECT+1&database=resultsdb&param_x=%27&max_threads=1\n\nFORMAT JSONEachRow",
    "default_format=RowBinary&decompress=1\nmultipart/form-data; boundary=b\n--b\r\nContent-Disposition: form-data; name=\"param_a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nINSERT INTO t FORMAT RowBinary\r\n--b--",
];
const SQL: &[&str] = &[
    "`",
    "'",
    "\\",
    "%60",
    "%5C",
    "&",
    "=",
    "\n",
    "--b",
    "\r\n\r\n",
    "name=\"",
    "INSERT ",
    "FORMAT ",
    "database=",
    "param_",
    ";",
    "\u{0}",
];

impl Subject for Parser {
    fn name(&self) -> &'static str {
        self.name
    }

    fn seeds(&self) -> io::Result<Vec<Vec<u8>>> {
        let bytes = self.seeds.iter().map(|seed| seed.as_bytes().to_vec());
        if self.name != "archive" {
            return Ok(bytes.collect());
        }
        let mut rng = Rng::with_seed(1);
        bytes.map(|seed| Packing::ZipFile.pack(&mut rng, &[seed])).collect()
    }

    fn make(&self, rng: &mut Rng, seeds: &[Vec<u8>]) -> io::Result<Vec<u8>> {
        Ok(mutate(rng, seeds, self.tokens, FEW_CHANGES))
    }

    fn check(&self, bytes: &[u8], _: &mut Rng) -> io::Result<Checked> {
        let begun = Instant::now();
        let (read, peak) = crate::memory::peak(|| (self.read)(bytes));
        let time = begun.elapsed();
        let slow = time > TIME && self.fastest(bytes) > TIME;
        let (tests, mut wrong) = match read {
            Ok(is_understood) => (usize::from(is_understood), None),
            Err(wrong) => (0, Some(wrong)),
        };
        if peak > MEMORY {
            wrong = Some(format!("{} MiB of memory for {} bytes", peak >> 20, bytes.len()));
        } else if slow {
            wrong = Some(format!("{} ms for {} bytes", time.as_millis(), bytes.len()));
        }
        Ok(Checked { time, peak, tests, wrong })
    }
}

impl Parser {
    /// The shorter of two more times: what another process took of the machine is not the reader's.
    fn fastest(&self, bytes: &[u8]) -> Duration {
        let timed = || {
            let begun = Instant::now();
            let _ = (self.read)(bytes);
            begun.elapsed()
        };
        timed().min(timed())
    }
}

/// What the intake makes of a document. What it takes for a configuration and a commit it has to write and read as the same.
fn upload(bytes: &[u8]) -> Result<bool, String> {
    let Ok(document) = serde_json::from_slice::<&RawValue>(bytes) else { return Ok(false) };
    let Ok(members) = results::members(document.get()) else { return Ok(false) };
    let value = |name| results::member(&members, name).and_then(|text| serde_json::from_str::<Value>(text).ok());
    if let Some(Ok(configuration)) = value("configuration").map(|value| Configuration::from_json(&value)) {
        let written = serde_json::to_value(&configuration).map_err(|error| error.to_string())?;
        let again: Configuration = serde_json::from_value(written).map_err(|error| error.to_string())?;
        if again.id() != configuration.id() {
            return Err(format!("{configuration:?} is another one once it is stored"));
        }
    }
    for commit in value("commits").as_ref().and_then(Value::as_array).into_iter().flatten() {
        let _ = CommitInput::from_json(commit, "main");
    }
    let Some(results) = results::member(&members, "test_results") else { return Ok(false) };
    let Ok(members) = results::members(results) else { return Ok(false) };
    let Some(tree) = results::member(&members, "results") else { return Ok(false) };
    let mut names = std::collections::HashSet::new();
    let mut twice = None;
    let walked = results::walk(tree, |name, _| {
        if !names.insert(name.to_owned()) {
            twice = Some(name.to_owned());
        }
    });
    match twice {
        Some(name) if walked.is_ok() => Err(format!("the test {name:?} is there twice")),
        _ => Ok(walked.is_ok()),
    }
}

/// What the processor makes of an event, of which the text is spoilt and not its compression, which has a checksum.
fn event(bytes: &[u8]) -> Result<bool, String> {
    let _ = event::decode(bytes);
    let mut encoded = vec![event::VERSION];
    encoded.extend(zstd::encode_all(bytes, 1).map_err(|error| error.to_string())?);
    let _ = event::beginning(&encoded);
    let Ok(decoded) = event::decode(&encoded) else { return Ok(false) };
    let mut rows = EventRows::default();
    rows.add_receipts(&decoded.header, 0, 0);
    rows.add(decoded, 1);
    Ok(true)
}

fn search(bytes: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(bytes);
    let Ok(search) = Search::parse(&text, &triage::FIELDS, 1_700_000_000) else { return Ok(false) };
    let row = Row { test: "media/a.html", ..Row::default() };
    if search.matches(&row) && !search.may_match(row.test) {
        return Err("a test is meant that may not be meant".to_owned());
    }
    Ok(true)
}

/// Who owns tests by a file, however long their names are.
fn owners(bytes: &[u8]) -> Result<bool, String> {
    let file = OwnersFile::parse(&String::from_utf8_lossy(bytes));
    let long = path_of("tests", &"a/".repeat(2000));
    let is_owned = ["tests/a.py", "", &long].iter().any(|path| file.of(path).is_some());
    if is_owned && file.is_empty() {
        return Err("a file without rules says who owns a test".to_owned());
    }
    Ok(is_owned)
}

fn version(bytes: &[u8]) -> Result<bool, String> {
    Ok(parse_asked_version(&String::from_utf8_lossy(bytes)).is_ok())
}

/// No spoilt text is a key, unless nothing was changed.
fn key(bytes: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(bytes);
    let is_known = KEYS.contains(&&*text);
    match Secret::parse(&text) {
        Ok(_) if !is_known => Err(format!("{text:?} is a key")),
        _ => Ok(Secret::is_prefixed(&text)),
    }
}

fn scopes(bytes: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(bytes);
    let Ok(scopes) = Scopes::parse(text.split(' ')) else { return Ok(false) };
    let texts = scopes.texts();
    match Scopes::parse(texts.iter().map(String::as_str)) {
        Ok(again) if again == scopes => Ok(true),
        _ => Err(format!("{scopes:?} is written as {texts:?}")),
    }
}

/// Nobody's token counts where no issuer is known.
fn token(bytes: &[u8]) -> Result<bool, String> {
    let (text, issuers) = (String::from_utf8_lossy(bytes), Issuers::default());
    let checked = pin!(issuers.check(&text, 1_700_000_000)).poll(&mut Context::from_waker(Waker::noop()));
    match checked {
        Poll::Ready(Err(identity::IdentityError::UnknownIssuer(_))) => Ok(true),
        Poll::Ready(Err(_)) => Ok(false),
        Poll::Ready(Ok(_)) => Err("a token counts".to_owned()),
        Poll::Pending => Err("somebody is asked".to_owned()),
    }
}

fn address(bytes: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(bytes);
    Ok(Outbound::default().agent(&text, Duration::from_secs(1), 0).is_ok())
}

/// What the pages show of an archive: names that stay below it, and contents of a bounded size.
fn archive(bytes: &[u8]) -> Result<bool, String> {
    let mut file = tempfile::tempfile().map_err(|error| error.to_string())?;
    io::Write::write_all(&mut file, bytes).map_err(|error| error.to_string())?;
    Ok(query::unpack(file).is_ok_and(|files| files > 0))
}

/// What the engine's front makes of a request: the name of the database stays within its quotes.
fn engine(bytes: &[u8]) -> Result<bool, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.splitn(3, '\n');
    let (query, kind, body) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next());
    let Ok(statements) = embedded::front::statements(query, kind, body.unwrap_or_default().as_bytes()) else {
        return Ok(false);
    };
    if let Some(statement) = statements.iter().find(|statement| !stays_quoted(statement)) {
        return Err(format!("{statement:?} leaves its quotes"));
    }
    Ok(true)
}

/// Whether nothing but names, spaces, commas and `=` stands outside of quotes, and each quote ends.
fn stays_quoted(statement: &str) -> bool {
    let mut quote = None;
    let mut characters = statement.chars();
    while let Some(character) = characters.next() {
        match quote {
            Some(_) if character == '\\' => drop(characters.next()),
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if ['\'', '`'].contains(&character) => quote = Some(character),
            None if character.is_ascii_alphanumeric() || "_ =,".contains(character) => {}
            None => return false,
        }
    }
    quote.is_none()
}
