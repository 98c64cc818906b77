//! Names of tests: what a report calls a test by, and how that is written as one string.
//!
//! A name is made of parts: the file, the class, the title … The parts are joined by `::`, and each is kept as it stands:
//! no part is cut at a `/`, `>`, `.` or `::` of its own, so that a title that holds them stays one title. An empty part
//! is left out. Each dialect has a template that says which parts make its names; a run may be read with another one.

use std::fmt::Write;
use std::str::FromStr;

use crate::limits;

/// Between the parts of a name.
pub const SEPARATOR: &str = "::";

/// What a part of a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// The project of Playwright, or the engine's own division of a run.
    Project,
    /// The file of the test's source.
    File,
    /// A suite, a describe block, a package: what stands around the test. There may be several.
    Suite,
    /// The class, or what the runner calls by that name.
    Class,
    /// The test's own name or title, with its parameters.
    Name,
}

impl Field {
    const ALL: [(&'static str, Self); 5] = [
        ("project", Self::Project),
        ("file", Self::File),
        ("suite", Self::Suite),
        ("class", Self::Class),
        ("name", Self::Name),
    ];
}

/// The parts of a test's name, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Name {
    parts: Vec<(Field, String)>,
    /// What the parts cost.
    bytes: usize,
}

/// What a part costs beside its text.
const PART_BYTES: usize = 32;

impl Name {
    /// A name without parts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A name of class and title, as most of JUnit's descendants have it.
    #[must_use]
    pub fn of_class(class: &str, name: &str) -> Self {
        Self::new().with(Field::Class, class).with(Field::Name, name)
    }

    /// The name with one more part, within [`limits::NAME_BYTES`] and, all parts together, [`limits::NAME_PARTS_BYTES`]. An
    /// empty part is left out.
    #[must_use]
    pub fn with(mut self, field: Field, part: &str) -> Self {
        let room = limits::NAME_PARTS_BYTES.saturating_sub(self.bytes + PART_BYTES);
        let end = part.floor_char_boundary(room.min(limits::NAME_BYTES));
        if end > 0 {
            self.bytes += end + PART_BYTES;
            self.parts.push((field, part[..end].to_owned()));
        }
        self
    }

    /// All parts with their kinds.
    pub fn parts(&self) -> impl Iterator<Item = (Field, &str)> {
        self.parts.iter().map(|(field, part)| (*field, part.as_str()))
    }

    /// Whether the report gives the test no identity at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|(_, part)| part.trim().is_empty())
    }

    /// The parts of one kind, joined.
    #[must_use]
    pub fn field(&self, field: Field) -> String {
        join(self.parts().filter(|(kind, _)| *kind == field))
    }

    /// All parts, joined.
    #[must_use]
    pub fn joined(&self) -> String {
        join(self.parts())
    }

    pub(crate) fn strip_roots(&mut self, roots: &Roots) {
        for (field, part) in &mut self.parts {
            if *field == Field::File
                && let Some(rest) = roots.strip(part)
            {
                self.bytes -= part.len() - rest.len();
                *part = rest.to_owned();
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

fn join<'a>(parts: impl Iterator<Item = (Field, &'a str)>) -> String {
    let mut joined = String::new();
    for (index, (_, part)) in parts.enumerate() {
        let _ = write!(joined, "{}{part}", if index == 0 { "" } else { SEPARATOR });
    }
    joined
}

/// How the parts of a name are written, such as `{file}::{name}`: text with `{project}`, `{file}`, `{suite}`, `{class}`
/// and `{name}`. Where a part is empty, the text that follows it is left out with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    before: String,
    fields: Vec<(Field, String)>,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    /// A brace names no part.
    #[error("the template of names has {{{0}}}; it may have {{project}}, {{file}}, {{suite}}, {{class}} and {{name}}")]
    UnknownField(String),
    /// Every test would have the same name.
    #[error("the template of names has no {{name}}; add it, so that tests can be told apart")]
    NoName,
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(template: &str) -> Result<Self, TemplateError> {
        let mut pieces = template.split('{');
        let before = pieces.next().unwrap_or_default().to_owned();
        let mut fields = Vec::new();
        for piece in pieces {
            let (name, text) = piece.split_once('}').unwrap_or((piece, ""));
            let field = Field::ALL.iter().find(|(word, _)| *word == name);
            let (_, field) = field.ok_or_else(|| TemplateError::UnknownField(name.to_owned()))?;
            fields.push((*field, text.to_owned()));
        }
        let named = fields.iter().any(|(field, _)| *field == Field::Name);
        if named { Ok(Self { before, fields }) } else { Err(TemplateError::NoName) }
    }
}

impl Template {
    /// The name as the template writes it; all parts, joined, where the template leaves nothing of it.
    #[must_use]
    pub fn write(&self, name: &Name) -> String {
        let mut written = self.before.clone();
        let mut pending = "";
        for (field, text) in &self.fields {
            let part = name.field(*field);
            if !part.is_empty() {
                written.push_str(pending);
                written.push_str(&part);
                pending = text;
            }
        }
        if self.fields.last().is_some_and(|(field, _)| !name.field(*field).is_empty()) {
            written.push_str(pending);
        }
        if written == self.before { name.joined() } else { written }
    }
}

/// Folders that are taken off absolute paths in names, so that tests have the same name on every machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots(Vec<String>);

impl Roots {
    /// Roots from a list of absolute folders, in any order.
    #[must_use]
    pub fn new(folders: impl IntoIterator<Item = String>) -> Self {
        let trimmed = folders.into_iter().map(|folder| folder.trim_end_matches(['/', '\\']).to_owned());
        let mut roots: Vec<_> = trimmed.filter(|folder| !folder.is_empty()).collect();
        roots.sort_by_key(|root| std::cmp::Reverse(root.len()));
        roots.dedup();
        Self(roots)
    }

    /// What follows the longest root that the path lies in.
    #[must_use]
    pub fn strip<'a>(&self, path: &'a str) -> Option<&'a str> {
        let path = path.strip_prefix("file://").unwrap_or(path);
        let inside = |root: &String| path.strip_prefix(root.as_str())?.strip_prefix(['/', '\\']);
        self.0.iter().find_map(inside).filter(|rest| !rest.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Name, Roots, Template, TemplateError};
    use crate::limits;

    fn name() -> Name {
        Name::new().with(Field::File, "t/a.js").with(Field::Class, "").with(Field::Name, "a > b :: c/d")
    }

    #[test]
    fn parts_are_joined_and_never_cut() {
        assert_eq!(name().joined(), "t/a.js::a > b :: c/d");
        assert!(Name::of_class("", " ").is_empty());
    }

    #[test]
    fn parts_are_bounded_one_by_one_and_together() {
        let long = "é".repeat(limits::NAME_BYTES);
        assert_eq!(Name::of_class("", &long).joined().len(), limits::NAME_BYTES);
        let many = (0..1000).fold(Name::new(), |name, _| name.with(Field::Suite, "some suite"));
        assert!(many.bytes() <= limits::NAME_PARTS_BYTES && many.parts().count() > 300, "{}", many.bytes());
        let mut rooted = Name::new().with(Field::File, "/src/a.js");
        rooted.strip_roots(&Roots::new(["/src".to_owned()]));
        assert_eq!(rooted, Name::new().with(Field::File, "a.js"));
    }

    #[test]
    fn a_template_writes_the_parts_it_names() {
        let write = |template: &str| template.parse::<Template>().map(|template| template.write(&name()));
        assert_eq!(write("{file} > {class} > {name}").as_deref(), Ok("t/a.js > a > b :: c/d"));
        assert_eq!(write("{name}").as_deref(), Ok("a > b :: c/d"));
        assert_eq!(write("all/{class}/{name}!").as_deref(), Ok("all/a > b :: c/d!"));
        assert_eq!(write("{file}"), Err(TemplateError::NoName));
        assert_eq!(write("{title}"), Err(TemplateError::UnknownField("title".to_owned())));
    }

    #[test]
    fn the_longest_root_is_taken_off() {
        let roots = Roots::new(["/src".to_owned(), "/src/app/".to_owned(), "C:\\ci".to_owned()]);
        assert_eq!(roots.strip("/src/app/t/a.js"), Some("t/a.js"));
        assert_eq!(roots.strip("file:///src/b.js"), Some("b.js"));
        assert_eq!(roots.strip("C:\\ci\\b.js"), Some("b.js"));
        assert_eq!(roots.strip("/srcs/b.js"), None);
        assert_eq!(roots.strip("/src"), None);
    }
}
