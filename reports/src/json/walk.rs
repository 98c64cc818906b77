//! A JSON document, read without holding it: a form says of each member whether it is passed over, taken as a whole, or gone
//! into.

use std::io::{self, BufRead};
use std::rc::Rc;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::meter::Meter;
use super::repair::Repair;
use crate::error::Stop;

/// What to do with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Skip,
    Take,
    Enter,
}

/// What stands for an element in a path, beside the names of members.
pub(super) const ELEMENT: &str = "[]";

/// What reads a document.
pub(super) trait Handler {
    /// What to do with the value at a path: names of members, and `[]` for elements.
    fn want(&mut self, path: &[String]) -> Want;

    /// Takes a value as a whole.
    fn take(&mut self, path: &[String], value: Value) -> Result<(), Stop>;

    /// An object that was gone into has ended.
    fn leave(&mut self, path: &[String]) -> Result<(), Stop>;
}

struct Walk<'h> {
    handler: &'h mut dyn Handler,
    path: Vec<String>,
    meter: Rc<Meter>,
    stop: Option<Stop>,
}

/// Reads a document and hands its members to the handler.
pub(super) fn walk(input: &mut dyn BufRead, handler: &mut dyn Handler) -> Result<(), Stop> {
    let meter = Rc::new(Meter::default());
    let repair = Repair::new(input, Rc::clone(&meter));
    let mut walk = Walk { handler, path: Vec::new(), meter: Rc::clone(&meter), stop: None };
    let mut deserializer = serde_json::Deserializer::from_reader(repair);
    let outcome = Node(&mut walk).deserialize(&mut deserializer);
    match (walk.stop, outcome) {
        (Some(stop), _) => Err(stop),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => match error.io_error_kind() {
            Some(io::ErrorKind::FileTooLarge) => Err(Stop::Io(io::Error::from(error))),
            _ => {
                let (line, byte) = (meter.line.get() + 1, meter.byte.get());
                Err(Stop::Broken { line, byte, reason: reason(&error) })
            }
        },
    }
}

/// What is wrong, without the place: that of the repaired document is another.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

struct Node<'n, 'h>(&'n mut Walk<'h>);

impl Walk<'_> {
    fn keep<E: Error>(&mut self, outcome: Result<(), Stop>) -> Result<(), E> {
        outcome.map_err(|stop| {
            self.stop = Some(stop);
            E::custom("stopped")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let walk = self.0;
        match walk.handler.want(&walk.path) {
            Want::Skip => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            Want::Take => {
                walk.meter.begin_value();
                let value = <Value as serde::Deserialize>::deserialize(deserializer)?;
                walk.meter.end_value();
                let outcome = walk.handler.take(&walk.path, value);
                walk.keep(outcome)
            }
            Want::Enter => deserializer.deserialize_any(Node(walk)),
        }
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let walk = self.0;
        while let Some(key) = members.next_key::<String>()? {
            walk.path.push(key);
            let outcome = members.next_value_seed(Node(walk));
            walk.path.pop();
            outcome?;
        }
        let outcome = walk.handler.leave(&walk.path);
        walk.keep(outcome)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let walk = self.0;
        loop {
            walk.path.push(ELEMENT.to_owned());
            let outcome = elements.next_element_seed(Node(walk));
            walk.path.pop();
            if outcome?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
