//! Elements of JUnit XML as they stand in the file, before a dialect says what they mean.

use crate::limits;
use crate::model::{Attempt, Status, Test};
use crate::name::Name;
use crate::number;
use crate::run::{Case, Repeat};
use crate::stamp::Stamp;
use crate::xml::Element;

/// What a child of a testcase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Failure,
    Error,
    Skipped,
    Warning,
    FlakyFailure,
    FlakyError,
    RerunFailure,
    RerunError,
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "failure" => Self::Failure,
            "error" => Self::Error,
            "skipped" | "skip" | "ignored" => Self::Skipped,
            "warning" => Self::Warning,
            "flakyFailure" => Self::FlakyFailure,
            "flakyError" => Self::FlakyError,
            "rerunFailure" => Self::RerunFailure,
            "rerunError" => Self::RerunError,
            _ => return None,
        })
    }

    pub(super) fn is_flaky(self) -> bool {
        matches!(self, Self::FlakyFailure | Self::FlakyError)
    }

    pub(super) fn is_rerun(self) -> bool {
        matches!(self, Self::RerunFailure | Self::RerunError)
    }

    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Failure | Self::Error)
    }
}

/// A child of a testcase: why an attempt did not pass.
#[derive(Clone, Debug)]
pub(crate) struct Child {
    pub(super) kind: Kind,
    pub(super) element: Element,
    /// The text of the element and of its `stackTrace`.
    pub(super) text: String,
    /// The output of that attempt, where the element holds it.
    pub(super) output: String,
}

impl Child {
    pub(super) fn message(&self) -> &str {
        self.element.attribute("message")
    }

    pub(super) fn type_name(&self) -> &str {
        self.element.attribute("type")
    }

    /// What the child costs while its testcase is held.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.output.len() + self.element.bytes()
    }

    /// Forgets what is long.
    pub(super) fn shorten(&mut self) {
        const SHORT: usize = 256;
        (self.text, self.output) = (String::new(), String::new());
        self.element = std::mem::take(&mut self.element).cut(SHORT);
    }

    /// Message and text, without saying the message twice.
    pub(super) fn whole(&self) -> String {
        let (message, text) = (self.message().trim(), self.text.trim());
        match (message.is_empty(), text.is_empty()) {
            (true, _) => text.to_owned(),
            (_, true) => message.to_owned(),
            _ if text.contains(message) => text.to_owned(),
            _ => format!("{message}\n{text}"),
        }
    }
}

/// A testcase as it stands in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Raw {
    pub(super) element: Element,
    pub(super) children: Vec<Child>,
    pub(super) properties: Vec<(String, String)>,
    pub(super) output: String,
    /// Set by a dialect that sees the whole suite: how the testcase ended, whatever its children say.
    pub(super) status: Option<Status>,
    /// Set by a dialect that sees the whole suite: the testcase stands for no test.
    pub(super) no_test: bool,
    /// Set by a dialect that sees the whole suite: testcases of the name are attempts of one test.
    pub(super) repeated: bool,
}

impl Raw {
    pub(super) fn name(&self) -> &str {
        self.element.attribute("name")
    }

    pub(super) fn class(&self) -> &str {
        self.element.get("classname").unwrap_or_else(|| self.element.attribute("class"))
    }

    pub(super) fn file(&self) -> &str {
        self.element.get("file").unwrap_or_else(|| self.element.attribute("filepath"))
    }

    pub(super) fn word(&self) -> &str {
        self.element.attribute("status")
    }

    pub(super) fn milliseconds(&self) -> Option<f64> {
        self.element.get("time").and_then(number::milliseconds)
    }

    pub(super) fn child(&self, is: impl Fn(Kind) -> bool) -> Option<&Child> {
        self.children.iter().find(|child| is(child.kind))
    }

    /// The failure or error, if there is one.
    pub(super) fn broken(&self) -> Option<&Child> {
        self.child(Kind::is_broken)
    }

    pub(super) fn skipped(&self) -> Option<&Child> {
        self.child(|kind| kind == Kind::Skipped)
    }

    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All that explains the failure: messages and texts of every failure and error.
    pub(super) fn message(&self) -> String {
        let mut message = String::new();
        for child in self.children.iter().filter(|child| !child.kind.is_flaky() && !child.kind.is_rerun()) {
            if !message.is_empty() {
                message.push_str("\n\n");
            }
            message.push_str(&child.whole());
            if message.len() > limits::MESSAGE_BYTES {
                break;
            }
        }
        message
    }

    /// What the testcase costs while it is held back.
    pub(super) fn bytes(&self) -> usize {
        let children: usize = self.children.iter().map(Child::bytes).sum();
        let properties: usize = self.properties.iter().map(|(name, value)| name.len() + value.len() + 64).sum();
        size_of::<Self>() + children + properties + self.element.bytes() + self.output.len()
    }

    /// The only attempt of the testcase.
    pub(super) fn attempt(&self, status: Status, milliseconds: Option<f64>) -> Attempt {
        Attempt::new(status, milliseconds).with_message(&self.message()).with_output(&self.output)
    }

    /// The case of this testcase.
    pub(super) fn case(self, name: Name, attempts: Vec<Attempt>, repeat: Repeat) -> Case {
        let mut test = Test::new(name, attempts);
        test.file = Some(self.file().to_owned()).filter(|file| !file.is_empty());
        test.line = self.element.get("line").or_else(|| self.element.get("lineno")).and_then(|line| line.parse().ok());
        test.properties = self.properties;
        Case { test, repeat }
    }
}

/// A suite around testcases, as far as it has been read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Suite {
    pub(super) element: Element,
    pub(super) properties: Vec<(String, String)>,
    /// The output of the suite, which follows its testcases.
    pub(super) output: String,
}

impl Suite {
    pub(super) fn name(&self) -> &str {
        self.element.attribute("name")
    }

    /// What the properties cost.
    pub(super) fn property_bytes(&self) -> usize {
        self.properties.iter().map(|(name, value)| name.len() + value.len() + 64).sum()
    }

    pub(super) fn has_property(&self, name: &str) -> bool {
        self.properties.iter().any(|(known, _)| known == name)
    }
}

/// The start of a try, where an element says so.
pub(super) fn stamp(element: &Element) -> Option<Stamp> {
    element.get("timestamp").and_then(Stamp::parse)
}
