//! Lines of WebKit's TestExpectations: bugs, a configuration in brackets, the test, and what it may do.
//!
//! The format knows platforms, names of versions, styles, hardware, architectures and flavors, each by words of its own. It
//! has no word for numbers of versions, models, SDKs and labels: an entry of those is written only where the list is for runs
//! that have them. It has words for most failing states. Without a state, all of them are written.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::DateTime;
use schema::configuration::Configuration;
use schema::state::State;

use crate::quarantine::ListedEntry;

const PLATFORMS: [&str; 9] = ["mac", "ios", "watchos", "tvos", "visionos", "linux", "win", "gtk", "wpe"];
/// Platforms that are no other's simulator.
const WITHOUT_SIMULATORS: [&str; 5] = ["mac", "linux", "win", "gtk", "wpe"];
const STYLES: [&str; 5] = ["debug", "release", "production", "asan", "guardmalloc"];
const ARCHITECTURES: [&str; 5] = ["arm64", "x86_64", "x86", "arm64_32", "armv7k"];
const VERSIONS: [&str; 14] = [
    "mojave",
    "catalina",
    "bigsur",
    "monterey",
    "ventura",
    "sonoma",
    "sequoia",
    "tahoe",
    "goldengate",
    "ios16",
    "ios17",
    "ios18",
    "ios26",
    "ios27",
];
const FLAVORS: [&str; 10] =
    ["wk1", "wk2", "siteisolation", "gpuprocess", "lbse", "webgl", "isolatedtree", "wayland", "gtk3", "legacyapi"];
/// Failing states and the words for them. A test that fails in another way is not written: `Failure` would excuse more.
const STATES: [(&str, &str); 5] =
    [("CRASH", "Crash"), ("TIMEOUT", "Timeout"), ("IMAGE", "ImageOnlyFailure"), ("AUDIO", "Audio"), ("TEXT", "Text")];
/// What a test may do that may fail in any way.
const ANYTHING: &str = "Pass Failure ImageOnlyFailure Timeout Crash";
/// Where WebKit's bugs are, and how lines name them.
const BUG_PAGES: [&str; 3] =
    ["https://bugs.webkit.org/show_bug.cgi?id=", "https://webkit.org/b/", "http://webkit.org/b/"];
const BUG: &str = "webkit.org/b/";

/// Why an entry cannot be written in a list for runs that have these members.
pub(super) fn refusal(entry: &ListedEntry, on: &Configuration) -> Option<String> {
    if let Err(member) = specifiers(&entry.configuration, on) {
        return Some(format!("the format has no word for its {member}; ask for the list of that configuration"));
    }
    let state = entry.failure.filter(|state| word(*state).is_none())?;
    Some(format!("the format has no word for {} alone", state.name()))
}

/// Why a test cannot be written: its name would be read as something else, or as a folder of tests.
pub(super) fn unwritable(name: &str) -> Option<String> {
    let is_folder = name.ends_with(['/', '*']) || !name.rsplit('/').next().is_some_and(|file| file.contains('.'));
    let is_other = name.contains('#')
        || name.contains(char::is_whitespace)
        || name.starts_with(['/', '[', ']', '-', '+'])
        || [BUG, "rdar://", "bug", "Bug", "BUG"].iter().any(|bug| name.starts_with(bug));
    match () {
        () if is_other => Some("a line cannot hold its name".to_owned()),
        () if is_folder => Some("a line with its name would be about a folder".to_owned()),
        () => None,
    }
}

/// The lines for some tests and the entries about them, of runs that have these members.
pub(super) fn text(meant: &BTreeMap<String, Vec<&ListedEntry>>, on: &Configuration) -> String {
    let mut text = String::new();
    for (test, entries) in meant {
        let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for entry in entries {
            let Ok(words) = specifiers(&entry.configuration, on) else { continue };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# {}", comment(entry));
            let states = lines.entry(format!("{}{}{test}", bug(&entry.bug), brackets(&words))).or_default();
            states.push(entry.failure.and_then(word).unwrap_or(ANYTHING));
        }
        for (line, mut states) in lines {
            states.dedup();
            let states =
                if states.contains(&ANYTHING) { ANYTHING.to_owned() } else { format!("Pass {}", states.join(" ")) };
            let _ = writeln!(text, "{line} [ {states} ]");
        }
    }
    text
}

fn word(state: State) -> Option<&'static str> {
    STATES.iter().find(|(name, _)| *name == state.name()).map(|(_, word)| *word)
}

/// The words for the members of a configuration that runs have not anyway, in the order of the format; a member for which
/// there is none is an error.
fn specifiers(configuration: &Configuration, on: &Configuration) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let platform = configuration.platform.as_ref().or(on.platform.as_ref()).map(|platform| platform.to_lowercase());
    let mut known = |given: &Option<String>, had: &Option<String>, listed: &[&str], member| {
        let Some(given) = given.as_ref().filter(|_| given != had) else { return Ok(()) };
        let word = given.to_lowercase().replace(' ', "");
        if !listed.contains(&word.as_str()) {
            return Err(member);
        }
        // Words are written as the first of their kind.
        words.push(given.replace(' ', ""));
        Ok(())
    };
    known(&configuration.platform, &on.platform, &PLATFORMS, "platform")?;
    known(&configuration.version_name, &on.version_name, &VERSIONS, "version_name")?;
    known(&configuration.style, &on.style, &STYLES, "style")?;
    let hardware = configuration.is_simulator.filter(|_| configuration.is_simulator != on.is_simulator);
    let is_anyway = hardware == Some(false) && platform.is_some_and(|name| WITHOUT_SIMULATORS.contains(&name.as_str()));
    let hardware =
        hardware.filter(|_| !is_anyway).map(|is_simulator| if is_simulator { "Simulator" } else { "Device" });
    known(&hardware.map(str::to_owned), &None, &["simulator", "device"], "is_simulator")?;
    known(&configuration.architecture, &on.architecture, &ARCHITECTURES, "architecture")?;
    known(&configuration.flavor, &on.flavor, &FLAVORS, "flavor")?;
    known(&configuration.model, &on.model, &[], "model")?;
    known(&configuration.sdk, &on.sdk, &[], "sdk")?;
    if configuration.version.is_some() && configuration.version != on.version {
        return Err("version");
    }
    if configuration.labels.are_among(&on.labels) { Ok(words) } else { Err("labels") }
}

fn brackets(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!("[ {} ] ", words.join(" ")) }
}

/// The bug of a line with what stands behind it; nothing for bugs of others, which the comment names.
fn bug(address: &str) -> String {
    let number = BUG_PAGES.iter().find_map(|page| address.strip_prefix(page));
    let number = number.filter(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
    number.map(|number| format!("{BUG}{number} ")).unwrap_or_default()
}

/// Until when, whose, and why.
fn comment(entry: &ListedEntry) -> String {
    let until =
        DateTime::from_timestamp(entry.until.into(), 0).map(|until| until.format("%Y-%m-%d %H:%M UTC").to_string());
    let mut comment = format!("until {}", until.unwrap_or_default());
    for (word, said) in [("by", &entry.by), ("owner", &entry.owner)] {
        if !said.is_empty() {
            let _ = write!(comment, ", {word} {said}");
        }
    }
    let _ = write!(comment, ": {}", entry.reason);
    if bug(&entry.bug).is_empty() && !entry.bug.is_empty() {
        let _ = write!(comment, " ({})", entry.bug);
    }
    comment.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
