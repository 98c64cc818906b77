//! What somebody may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatchPattern;

/// The most scopes that one key has, and the longest text of one, bytes.
pub const MAX_SCOPES: usize = 32;
const MAX_BYTES: usize = 300;

/// A text in which `*` alone has a meaning. No name has the character that would stand for a single one.
type Pattern = WildMatchPattern<'*', '\0'>;

/// One thing that is allowed. Its text is `read`, `link`, `quarantine`, `admin`, or `upload`, which may be limited as in
/// `upload:suite=layout-*,repository=webkit,lane=change`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Scope {
    /// Asks for everything that is stored.
    Read,
    /// Uploads results, archives and commits, within limits.
    Upload(UploadLimits),
    /// Links bugs and renames tests.
    Link,
    /// Says which failures do not count for a time, which lets code merge that fails.
    Quarantine,
    /// Everything, also keys and dead letters.
    Admin,
}

/// What uploads a scope is for; a limit that is not given is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadLimits {
    /// The suite, or those that a pattern with `*` describes.
    suite: Option<String>,
    /// The repository that all commits are of.
    repository: Option<String>,
    /// Only runs of changes under review.
    is_change_only: bool,
}

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no scope: write read, link, quarantine, admin or upload, which may be limited as in \
     upload:suite=NAME,repository=ID,lane=change"
)]
pub struct UnknownScope(String);

/// What an upload writes to.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// The suite; none of a commit that is registered by itself.
    pub suite: Option<&'a str>,
    /// Ids of the repositories of all commits.
    pub repositories: &'a [&'a str],
    /// Whether it is a run of a change under review, and registers no commit of any other branch.
    pub is_of_change: bool,
}

impl UploadLimits {
    fn allow(&self, upload: &Upload<'_>) -> bool {
        let suite = match (&self.suite, upload.suite) {
            (None, _) => true,
            (Some(pattern), Some(suite)) => Pattern::new(pattern).matches(suite),
            // A commit belongs to every suite.
            (Some(_), None) => false,
        };
        let repository = |repository: &String| upload.repositories.iter().all(|given| given == repository);
        suite && self.repository.as_ref().is_none_or(repository) && (!self.is_change_only || upload.is_of_change)
    }
}

/// Everything that somebody may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// These, together.
    pub fn new(scopes: Vec<Scope>) -> Self {
        Self(scopes)
    }

    /// Reads the text of each.
    ///
    /// # Errors
    /// One is no scope.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownScope> {
        texts.into_iter().map(str::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The text of each.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether everything stored may be asked for. Only who uploads and nothing else may not: a pipeline's key lies about in
    /// many places.
    pub fn may_read(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Read | Scope::Link | Scope::Quarantine))
    }

    /// Whether bugs may be linked and tests renamed.
    pub fn may_link(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Link))
    }

    /// Whether failures may be said not to count for a time.
    pub fn may_quarantine(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Quarantine))
    }

    /// Whether keys and dead letters may be changed.
    pub fn may_administer(&self) -> bool {
        self.any(|_| false)
    }

    /// Whether anything may be uploaded.
    pub fn may_upload_something(&self) -> bool {
        self.any(|scope| matches!(scope, Scope::Upload(_)))
    }

    /// Whether this may be uploaded.
    pub fn may_upload(&self, upload: &Upload<'_>) -> bool {
        self.any(|scope| matches!(scope, Scope::Upload(limits) if limits.allow(upload)))
    }

    fn any(&self, allows: impl Fn(&Scope) -> bool) -> bool {
        self.0.iter().any(|scope| *scope == Scope::Admin || allows(scope))
    }
}

impl Scope {
    /// What of this may be given to a change under review, whose code nobody has read: an upload, in the change lane. None of
    /// any other scope, also of `admin`.
    pub fn reduced_to_changes(&self) -> Option<Self> {
        match self {
            Self::Upload(limits) => Some(Self::Upload(UploadLimits { is_change_only: true, ..limits.clone() })),
            Self::Read | Self::Link | Self::Quarantine | Self::Admin => None,
        }
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        let unknown = || UnknownScope(text.chars().take(MAX_BYTES).collect());
        if text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            return Err(unknown());
        }
        match text.split_once(':') {
            None => match text {
                "read" => Ok(Self::Read),
                "upload" => Ok(Self::Upload(UploadLimits::default())),
                "link" => Ok(Self::Link),
                "quarantine" => Ok(Self::Quarantine),
                "admin" => Ok(Self::Admin),
                _ => Err(unknown()),
            },
            Some(("upload", limits)) => upload_limits(limits).map(Self::Upload).ok_or_else(unknown),
            Some(_) => Err(unknown()),
        }
    }
}

/// Reads limits, each at most once. What is no limit makes the whole no scope, so that a misspelt one allows nothing.
fn upload_limits(text: &str) -> Option<UploadLimits> {
    let mut limits = UploadLimits::default();
    for limit in text.split(',') {
        let (name, value) = limit.split_once('=').filter(|(_, value)| !value.is_empty())?;
        let is_first = match name {
            "suite" => limits.suite.replace(value.to_owned()).is_none(),
            "repository" => limits.repository.replace(value.to_owned()).is_none(),
            "lane" => value == "change" && !std::mem::replace(&mut limits.is_change_only, true),
            _ => false,
        };
        is_first.then_some(())?;
    }
    Some(limits)
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Upload(UploadLimits { suite, repository, is_change_only }) = self else {
            return formatter.write_str(match self {
                Self::Read => "read",
                Self::Link => "link",
                Self::Quarantine => "quarantine",
                _ => "admin",
            });
        };
        let limits = [
            ("suite", suite.as_deref()),
            ("repository", repository.as_deref()),
            ("lane", is_change_only.then_some("change")),
        ];
        let limits: Vec<String> =
            limits.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect();
        formatter.write_str("upload")?;
        if limits.is_empty() { Ok(()) } else { write!(formatter, ":{}", limits.join(",")) }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = UnknownScope;

    fn try_from(text: String) -> Result<Self, UnknownScope> {
        text.parse()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(texts: &[&str]) -> Scopes {
        Scopes::parse(texts.iter().copied()).unwrap()
    }

    fn upload<'a>(suite: &'a str, repositories: &'a [&'a str], is_of_change: bool) -> Upload<'a> {
        Upload { suite: Some(suite), repositories, is_of_change }
    }

    #[test]
    fn every_limit_of_one_scope_holds_and_scopes_add_up() {
        let limited = of(&["upload:suite=layout-*,repository=webkit", "upload:suite=api,lane=change"]);
        for (given, allowed) in [
            (upload("layout-tests", &["webkit"], false), true),
            (upload("layout-tests", &["webkit", "safari"], false), false),
            (upload("api", &["webkit"], false), false),
            (upload("api", &["safari"], true), true),
            (upload("other", &["webkit"], true), false),
            (Upload { suite: None, repositories: &["webkit"], is_of_change: false }, false),
        ] {
            assert_eq!(limited.may_upload(&given), allowed, "{given:?}");
        }
        let of_repository = of(&["upload:repository=webkit"]);
        assert!(of_repository.may_upload(&Upload { suite: None, repositories: &["webkit"], is_of_change: false }));
    }

    #[test]
    fn each_scope_allows_what_it_says() {
        let rights = |text| {
            let scopes = of(&[text]);
            (
                scopes.may_read(),
                scopes.may_upload(&upload("s", &["r"], false)),
                scopes.may_link(),
                scopes.may_quarantine(),
                scopes.may_administer(),
            )
        };
        assert_eq!(rights("read"), (true, false, false, false, false));
        assert_eq!(rights("upload"), (false, true, false, false, false));
        assert_eq!(rights("link"), (true, false, true, false, false));
        assert_eq!(rights("quarantine"), (true, false, false, true, false));
        assert_eq!(rights("admin"), (true, true, true, true, true));
        let none = Scopes::default();
        assert!(!none.may_read() && !none.may_upload_something() && !none.may_link() && !none.may_administer());
    }

    #[test]
    fn a_change_under_review_keeps_its_uploads_alone() {
        let given = of(&["read", "upload:suite=a,repository=r", "link", "quarantine", "upload:lane=change", "admin"]);
        let reduced = Scopes(given.0.iter().filter_map(Scope::reduced_to_changes).collect());
        assert_eq!(reduced.texts(), ["upload:suite=a,repository=r,lane=change", "upload:lane=change"]);
        assert!(reduced.may_upload(&upload("a", &["r"], true)) && !reduced.may_upload(&upload("a", &["r"], false)));
        assert!(!reduced.may_read() && !reduced.may_link() && !reduced.may_quarantine() && !reduced.may_administer());
    }

    #[test]
    fn what_is_misspelt_is_no_scope() {
        for text in [
            "",
            "Read",
            "write",
            "upload:",
            "upload:suite",
            "upload:suite=",
            "upload:lane=trunk",
            "upload:sute=a",
            "read:suite=a",
            "upload:suite=a,suite=b",
            "upload:lane=change,lane=change",
            "upload:suite=a,",
            "admin ",
            "upload:suite=a\n",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
        assert!(format!("upload:suite={}", "a".repeat(300)).parse::<Scope>().is_err());
    }

    proptest! {
        #[test]
        fn a_scope_reads_back_as_it_is_written(suite in prop::option::of("[^,\\p{C}]{1,40}"), repository in prop::option::of("[a-z-]{1,9}"), is_change_only: bool) {
            let scope = Scope::Upload(UploadLimits { suite, repository, is_change_only });
            prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
        }

        #[test]
        fn nothing_panics(text in "(upload:)?\\PC{0,40}") {
            let _ = text.parse::<Scope>();
        }
    }
}
