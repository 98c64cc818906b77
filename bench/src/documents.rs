//! Documents like those of a large project: names, tree, outcomes and sizes with realistic distributions, seeded.

use std::fmt::Write as _;

use crate::random::Random;

/// Folders of the first level and the share of tests below each, in percent.
const ROOTS: [(&str, u64); 8] = [
    ("imported/w3c/web-platform-tests", 55),
    ("fast", 15),
    ("http/tests", 8),
    ("svg", 6),
    ("css3", 5),
    ("media", 4),
    ("accessibility", 4),
    ("webgl", 3),
];
/// Folders of the second level.
pub(crate) const AREAS: [&str; 20] = [
    "css-grid",
    "css-flexbox",
    "css-text",
    "dom",
    "html",
    "fetch",
    "streams",
    "service-workers",
    "webaudio",
    "canvas",
    "selection",
    "editing",
    "forms",
    "events",
    "workers",
    "webrtc",
    "scrolling",
    "animations",
    "shadow-dom",
    "encoding",
];
const KINDS: [&str; 8] = ["basic", "nested", "dynamic", "computed", "parsing", "invalid", "interop", "historical"];

/// The suite that everything is uploaded to, but in a long run.
pub(crate) const SUITE: &str = "layout-tests";
/// Configurations that take turns.
pub(crate) const CONFIGURATIONS: usize = 20;

/// Names of `count` tests, sorted.
pub(crate) fn names(count: usize) -> Vec<String> {
    let mut names: Vec<String> = (0..count)
        .map(|index| {
            let mut share = (index * 37 % 100) as u64;
            let root = ROOTS.iter().find(|(_, part)| {
                let found = share < *part;
                share = share.saturating_sub(*part);
                found
            });
            let root = root.map_or("fast", |(root, _)| root);
            let (area, kind) = (AREAS[index % AREAS.len()], KINDS[index / AREAS.len() % KINDS.len()]);
            format!("{root}/{area}/{kind}/{area}-{kind}-{:05}.html", index)
        })
        .collect();
    names.sort();
    names
}

/// One run: every test of `names` on one configuration and commit, as WebKit's uploader writes it. What a test does is
/// its own ([`Habit`]): about 2 % fail as expected, 0.5 % unexpectedly, 0.2 % pass only on a second try.
pub(crate) fn run(names: &[String], configuration: usize, commit: usize, time: u64, seed: u64) -> String {
    run_of(SUITE, names, configuration, commit, [time, time + 600], seed)
}

/// The same of another suite, or of a run that started at another time than ten minutes after its commit: times of the commit and
/// of the start.
pub(crate) fn run_of(
    suite: &str,
    names: &[String],
    configuration: usize,
    commit: usize,
    [time, start]: [u64; 2],
    seed: u64,
) -> String {
    let mut random = Random(seed);
    let (platform, version, model) = match configuration % 4 {
        0 => ("mac", "14.2.0", "Mac14,3"),
        1 => ("mac", "15.0.0", "Mac15,6"),
        2 => ("ios", "18.0.0", "iPhone 12"),
        _ => ("GTK", "6.5.0", "x86"),
    };
    let (style, flavor) =
        (["Release", "Debug"][configuration / 4 % 2], ["wk1", "wk2", "site-isolation"][configuration / 8 % 3]);
    let mut text = String::with_capacity(names.len() * 60);
    let _ = write!(
        text,
        r#"{{"version":0,"suite":"{suite}","configuration":{{"platform":"{platform}","version":"{version}","version_name":"{platform} {version}","is_simulator":{},"architecture":"arm64","model":"{model}","style":"{style}","flavor":"{flavor}"}},"commits":[{{"repository_id":"webkit","branch":"main","hash":"{:040x}","identifier":"{}@main","timestamp":{time},"order":0,"author":"dev@example.org","message":"Change number {commit}"}}],"timestamp":{},"test_results":{{"details":{{"link":"https://ci.example.org/builds/{configuration}-{commit}"}},"run_stats":{{"start_time":{time},"end_time":{},"tests_skipped":1200}},"results":"#,
        platform == "ios",
        0xabcd_0000_0000_u64 + commit as u64,
        270_000 + commit,
        start,
        start + 3000,
    );
    tree(&mut text, names, 0, commit, &mut random);
    text.push_str("}}");
    text
}

/// Writes sorted names, which share their first `from` bytes, as nested objects.
fn tree(text: &mut String, names: &[String], from: usize, commit: usize, random: &mut Random) {
    text.push('{');
    let mut position = 0;
    while position < names.len() {
        let rest = &names[position][from..];
        if position > 0 {
            text.push(',');
        }
        match rest.find('/') {
            None => {
                let _ = write!(text, "\"{rest}\":{}", leaf(Habit::of(&names[position]), commit, random));
                position += 1;
            }
            Some(end) => {
                let folder = &names[position][..=from + end];
                let below = names[position..].iter().take_while(|name| name.starts_with(folder)).count();
                let _ = write!(text, "\"{}\":", &rest[..end]);
                tree(text, &names[position..position + below], from + end + 1, commit, random);
                position += below;
            }
        }
    }
    text.push('}');
}

/// What a test usually does: nearly all pass always, and failures are those of a few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// It passes always.
    Steady,
    /// It fails, as is expected of it.
    KnownFailing,
    /// It fails by chance, and sometimes passes on a second try.
    Flaky,
    /// It breaks on a commit, with others, and is fixed on a later one, again and again.
    Breaking,
}

/// Commits between two breakages, and until each is fixed.
const BREAKS_EVERY: usize = 800;
const BROKEN_FOR: usize = 200;

impl Habit {
    fn of(name: &str) -> Self {
        let hash = name.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        match hash % 1000 {
            0..=19 => Self::KnownFailing,
            20..=44 => Self::Flaky,
            45 => Self::Breaking,
            _ => Self::Steady,
        }
    }
}

fn leaf(habit: Habit, commit: usize, random: &mut Random) -> String {
    let time = 5 + random.below(400);
    let is_broken = habit == Habit::Breaking && commit % BREAKS_EVERY >= BREAKS_EVERY - BROKEN_FOR;
    match (habit, random.below(100)) {
        (Habit::KnownFailing, _) => format!(r#"{{"actual":"FAIL","expected":"FAIL","time":{time}}}"#),
        (Habit::Flaky, 0..=19) => {
            let state = ["TEXT", "IMAGE", "TIMEOUT", "CRASH", "TEXT"][random.below(5) as usize];
            format!(r#"{{"actual":"{state}","expected":"PASS","time":{time},"log":"/results/{time}"}}"#)
        }
        (Habit::Flaky, 20..=27) => format!(r#"{{"actual":"TEXT PASS","expected":"PASS","time":{time}}}"#),
        _ if is_broken => format!(r#"{{"actual":"TEXT","expected":"PASS","time":{time},"log":"expected {time}"}}"#),
        _ => format!(r#"{{"time":{time}}}"#),
    }
}
