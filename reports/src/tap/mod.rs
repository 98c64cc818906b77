//! The Test Anything Protocol, 12 to 14, as Perl, Node and node-tap write it. Names are `{suite}::{name}`: the subtests
//! around and the description; a test without one is called by its number.
//!
//! In a report with a version line, as Node and node-tap write, a point that stands behind indented points is their suite and
//! no test: the indented ones are. Without one, as Perl writes, it is a test, and the indented ones are part of it.
//!
//! Not carried: starts; attempts before the last; times, but for those of Node and node-tap; in Perl's, the script.

mod block;
mod line;

use std::io::BufRead;

pub(crate) use line::{Point, is_line, plan, point};

use crate::error::Stop;
use crate::junit::node;
use crate::limits;
use crate::lines::Lines;
use crate::model::{Attempt, Problem, Source, Status, Test, Text};
use crate::name::{Field, Name};
use crate::run::{Assembler, Case, Repeat};
use block::Block;
use line::{Directive, Plan, bail};

/// A test point with what follows it.
struct Pending {
    point: Point,
    level: usize,
    around: Name,
    block: Block,
    comments: Text,
    /// Points inside it: how many, and how many of them failed.
    inner: (u64, u64),
}

/// One depth of indentation.
#[derive(Default)]
struct Level {
    /// The name of the subtest that is said to come.
    subtest: String,
    points: u64,
    failed: u64,
}

#[derive(Default)]
struct Document {
    versioned: bool,
    /// Whether `bats --timing` wrote it, as its first point tells.
    timing: Option<bool>,
    plan: Option<Plan>,
    bailed: bool,
    levels: Vec<Level>,
    /// Tests whose points follow in braces.
    blocks: Vec<Pending>,
    pending: Option<Pending>,
}

pub(crate) fn read(input: &mut dyn BufRead, out: &mut Assembler<'_>, source: &mut Source) -> Result<(), Stop> {
    let mut lines = Lines::new(input);
    let mut document = Document::default();
    while let Some(line) = lines.next()? {
        let text = line.text();
        if let Some(pending) = &mut document.pending
            && pending.block.takes(&text)
        {
            continue;
        }
        if document.line(&text, out)? {
            document.end(out)?;
            document = Document::default();
            document.line(&text, out)?;
        }
        if document.pending.as_ref().is_some_and(|pending| pending.block.is_node()) {
            source.tool = Some("Node".to_owned());
        }
    }
    document.end(out)
}

impl Document {
    /// Reads a line outside blocks. True when the line begins another document.
    fn line(&mut self, text: &str, out: &mut Assembler<'_>) -> Result<bool, Stop> {
        let indent = text.bytes().take_while(|&byte| byte == b' ').count();
        let (level, rest) = (indent / 4, text[indent..].trim_end());
        if level > limits::DEPTH {
            return Ok(false);
        }
        if let Some(comment) = rest.strip_prefix('#') {
            self.comment(comment, level);
            return Ok(false);
        }
        if rest.starts_with("TAP version ") {
            if level == 0 && (self.versioned || self.plan.is_some()) {
                return Ok(true);
            }
            self.versioned |= level == 0;
            return Ok(false);
        }
        if rest == "}" && self.blocks.last().is_some_and(|block| block.level == level) {
            self.flush(out)?;
            self.close(out);
        } else if let Some(point) = point(rest) {
            self.point(point, level, out)?;
        } else if let Some(reason) = bail(rest) {
            self.flush(out)?;
            self.bailed = true;
            out.problem(Problem::incomplete("", &format!("Bail out! {reason}"), Status::Error));
        } else if let Some(plan) = plan(rest)
            && level == 0
        {
            if self.plan.is_some() {
                return Ok(true);
            }
            self.plan = Some(plan);
        } else if let Some(pending) = self.pending.as_mut().filter(|pending| !pending.point.ok && indent > 0) {
            // Mocha writes the error behind its test, as it stands.
            pending.comments.push(rest, limits::MESSAGE_BYTES);
            pending.comments.push("\n", limits::MESSAGE_BYTES);
        }
        Ok(false)
    }

    fn comment(&mut self, comment: &str, level: usize) {
        if let Some(name) = comment.strip_prefix(" Subtest: ") {
            let name = name.trim();
            let end = name.floor_char_boundary(limits::NAME_BYTES);
            name[..end].clone_into(&mut self.level(level).subtest);
        } else if let Some(pending) = self.pending.as_mut().filter(|pending| !pending.point.ok && !is_count(comment)) {
            pending.comments.push(comment.trim_end(), limits::MESSAGE_BYTES);
            pending.comments.push("\n", limits::MESSAGE_BYTES);
        }
    }

    fn level(&mut self, level: usize) -> &mut Level {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Level::default);
        }
        &mut self.levels[level]
    }

    fn point(&mut self, point: Point, level: usize, out: &mut Assembler<'_>) -> Result<(), Stop> {
        self.flush(out)?;
        self.level(level);
        let inner = self.levels.drain(level + 1..).next().map_or((0, 0), |inner| (inner.points, inner.failed));
        let around =
            self.levels[..level].iter().fold(Name::new(), |name, level| name.with(Field::Suite, &level.subtest));
        let here = &mut self.levels[level];
        here.points += 1;
        here.failed += u64::from(!point.ok && point.directive.is_none());
        let number = here.points;
        // What is left of a block that a deeper or later line did not close.
        self.blocks.retain(|block| block.level < level);
        let timed = point.timing().filter(|_| !self.versioned && *self.timing.get_or_insert(true));
        let point = match timed.map(|(title, milliseconds)| (title.to_owned(), milliseconds)) {
            Some((description, milliseconds)) => Point { description, milliseconds: Some(milliseconds), ..point },
            None => point,
        };
        self.timing.get_or_insert(false);
        let point = Point { number: point.number.or(Some(number)), ..point };
        let pending = Pending { point, level, around, block: Block::default(), comments: Text::default(), inner };
        if pending.point.opens {
            self.levels[level].subtest.clone_from(&pending.point.description);
            self.blocks.push(pending);
        } else {
            self.pending = Some(pending);
        }
        Ok(())
    }

    /// A test in braces has ended. It failed with its points; what broke around them stands only here.
    fn close(&mut self, out: &mut Assembler<'_>) {
        let Some(Pending { point, level, around, .. }) = self.blocks.pop() else { return };
        let failed = self.levels.drain(level + 1..).next().map_or(0, |inner| inner.failed);
        self.levels[level].subtest.clear();
        if !point.ok && point.directive.is_none() && failed == 0 {
            let name = around.with(Field::Name, &point.description);
            out.problem(Problem::outside(&name.joined(), "", Status::Error));
        }
    }

    /// Hands on the point that was read last, with its block.
    fn flush(&mut self, out: &mut Assembler<'_>) -> Result<(), Stop> {
        let Some(Pending { point, level, around, block, comments, inner }) = self.pending.take() else { return Ok(()) };
        if level > 0 && !self.versioned {
            return Ok(());
        }
        let number = || format!("#{}", point.number.unwrap_or_default());
        let title = if point.description.is_empty() { number() } else { point.description.clone() };
        let name = around.with(Field::Name, &title);
        let failure = block.failure_type();
        let message = if block.message().is_empty() { comments.as_str() } else { block.message() };
        let died =
            block.exit_code().and_then(|code| node::file_that_died(&title, code)).filter(|_| level == 0 && !point.ok);
        if let Some(status) = died {
            out.problem(Problem::outside(&title, message, status));
            return Ok(());
        }
        if self.versioned && (inner.0 > 0 || block.is_suite()) {
            // A suite fails with its tests. What broke around them stands only here.
            let by_itself = if failure.is_empty() { inner.1 == 0 } else { failure != "subtestsFailed" };
            if !point.ok && point.directive.is_none() && by_itself {
                out.problem(Problem::outside(&name.joined(), message, Status::Error));
            }
            return Ok(());
        }
        if !point.ok && point.directive.is_none() && point.is_hook() {
            out.problem(Problem::outside(&name.joined(), message, Status::Error));
            return Ok(());
        }
        let status = match point.status() {
            Status::Failed if !failure.is_empty() => node::failed(failure),
            status => status,
        };
        let message = match &point.directive {
            Some(Directive::Skip(reason) | Directive::Todo(reason)) if message.is_empty() => reason,
            _ => message,
        };
        let attempt = Attempt::new(status, block.milliseconds().or(point.milliseconds)).with_message(message);
        let mut test = Test::new(name, vec![attempt]);
        (test.file, test.line) = block.location();
        out.add(Case { test, repeat: Repeat::Distinct })
    }

    fn end(&mut self, out: &mut Assembler<'_>) -> Result<(), Stop> {
        self.flush(out)?;
        let ran = self.levels.first().map_or(0, |level| level.points);
        let message = match &self.plan {
            _ if self.bailed => return Ok(()),
            None if ran == 0 && !self.versioned => return Ok(()),
            None => format!("the run ended without a plan, after {ran} tests"),
            Some(plan) if plan.count != ran => format!("{} tests were planned, and {ran} ran", plan.count),
            Some(_) => return Ok(()),
        };
        out.problem(Problem::incomplete("", &message, Status::Crash));
        Ok(())
    }
}

/// Whether a comment counts the results at the end of a report: `# tests 3`.
fn is_count(comment: &str) -> bool {
    let mut words = comment.split_whitespace();
    let counted = matches!(words.next(), Some("tests" | "suites" | "pass" | "fail" | "ok" | "skipped" | "todo"));
    counted && words.next().is_some_and(|number| number.parse::<u64>().is_ok()) && words.next().is_none()
}
