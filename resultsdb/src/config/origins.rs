//! Where members of the configuration come from, so that an error sends nobody to a file that says something else.

use std::path::Path;

use serde_path_to_error::{Path as Member, Segment};

/// The file, and what was set on top of it.
pub(super) struct Origins {
    /// What the file is called; none where there is none.
    file: Option<String>,
    /// What the file says by itself.
    written: toml::Table,
    /// Members by the names on their way, in the order in which they were set, and what set them.
    set: Vec<(Vec<String>, String)>,
}

impl Origins {
    /// Nothing but a file, if there is one, which says `written`.
    pub(super) fn new(file: Option<&Path>, written: &toml::Table) -> Self {
        Self { file: file.map(|file| file.display().to_string()), written: written.clone(), set: Vec::new() }
    }

    /// Says what set a member, such as `kafka.brokers`.
    pub(super) fn add(&mut self, member: &str, origin: String) {
        self.set.push((member.split('.').map(str::to_owned).collect(), origin));
    }

    /// Where to look for a member that is wrong: what gave it, and its name.
    pub(super) fn place(&self, member: &Member) -> String {
        let names: Vec<&str> = member.iter().map_while(name).collect();
        let origin = self.origin(&names);
        let member = member.to_string();
        match member.as_str() {
            // What it is called where the whole is wrong.
            "." => origin,
            // A flag has the name already.
            member if origin.ends_with(&format!(" {member}")) => origin,
            member => format!("{origin}, {member}"),
        }
    }

    fn origin(&self, names: &[&str]) -> String {
        // What was set last counts.
        let whole = self.set.iter().rev().find(|(set, _)| is_in(names, set));
        if let Some((_, origin)) = whole {
            return origin.clone();
        }
        // A table whose members make no sense together may have some of each.
        let parts = self.set.iter().filter(|(set, _)| set.iter().zip(names).all(|(set, name)| set == name));
        let parts = parts.map(|(_, origin)| origin.as_str());
        let file = self.file.as_deref().filter(|_| self.is_written(names));
        let all: Vec<&str> = file.into_iter().chain(parts).collect();
        match all.as_slice() {
            [] => self.file.clone().unwrap_or_else(|| "the configuration".to_owned()),
            all => all.join(" with "),
        }
    }

    fn is_written(&self, names: &[&str]) -> bool {
        let Some((first, rest)) = names.split_first() else { return !self.written.is_empty() };
        let mut place = self.written.get(*first);
        for name in rest {
            place = place.and_then(|found| found.get(*name));
        }
        place.is_some()
    }
}

/// Whether a member is the one that was set, or lies in it.
fn is_in(names: &[&str], set: &[String]) -> bool {
    names.len() >= set.len() && set.iter().zip(names).all(|(set, name)| set == name)
}

/// What a step is called in a path of members; what is in a list has none, and is set with the whole list.
fn name(segment: &Segment) -> Option<&str> {
    match segment {
        Segment::Map { key } => Some(key),
        Segment::Enum { variant } => Some(variant),
        Segment::Seq { .. } | Segment::Unknown => None,
    }
}
