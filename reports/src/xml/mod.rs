//! Reports in XML: a reader of events that survives what runners write.

mod sieve;
mod text;

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::Event as Markup;

use crate::error::Stop;
use crate::limits;
use sieve::Sieve;

/// An element's name without prefix, and its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    /// The value of an attribute, by its name without prefix.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of an attribute; empty where there is none.
    pub(crate) fn attribute(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// What the attributes cost.
    pub(crate) fn bytes(&self) -> usize {
        self.attributes.iter().map(|(name, value)| name.len() + value.len() + 64).sum()
    }

    /// The element with no attribute value longer than `limit` bytes.
    pub(crate) fn cut(mut self, limit: usize) -> Self {
        for (_, value) in &mut self.attributes {
            value.truncate(value.floor_char_boundary(limit));
            value.shrink_to_fit();
        }
        self
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// What a report has next. Each start has its end, also of empty elements.
pub(crate) enum Event {
    Start(Element),
    End,
    Text(String),
    /// The report ends, with all its elements closed.
    Eof,
}

/// The events of a report in XML.
pub(crate) struct Xml<R> {
    reader: Reader<Sieve<R>>,
    buffer: Vec<u8>,
    depth: usize,
    /// What the attributes of each element around the present place cost.
    open: Vec<usize>,
    latin: bool,
    declared: bool,
    begun: bool,
}

impl<R: BufRead> Xml<R> {
    pub(crate) fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(Sieve::new(input));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.allow_dangling_amp = true;
        config.check_end_names = true;
        Self { reader, buffer: Vec::new(), depth: 0, open: Vec::new(), latin: false, declared: false, begun: false }
    }

    /// Whether the report begins with an XML declaration.
    pub(crate) fn is_declared(&self) -> bool {
        self.declared
    }

    /// Why the report cannot be read on, at the present place.
    pub(crate) fn broken(&self, reason: &str) -> Stop {
        let (line, byte) = self.reader.get_ref().position();
        Stop::Broken { line, byte, reason: reason.to_owned() }
    }

    pub(crate) fn next(&mut self) -> Result<Event, Stop> {
        loop {
            self.buffer.clear();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => return Err(self.failed(error)),
            };
            match event {
                Markup::Start(start) => {
                    let (latin, depth) = (self.latin, self.depth + 1);
                    let element = element(&start, latin);
                    self.begun = true;
                    let mut element = element.ok_or_else(|| {
                        self.broken(&format!("an element has more than {} attributes", limits::ATTRIBUTES))
                    })?;
                    if self.open.iter().sum::<usize>() + element.bytes() > limits::OPEN_BYTES {
                        element.attributes = Vec::new();
                    }
                    self.open.push(element.bytes());
                    self.depth = depth;
                    if depth > limits::DEPTH {
                        return Err(self.broken(&format!("elements are nested more than {} deep", limits::DEPTH)));
                    }
                    return Ok(Event::Start(element));
                }
                Markup::End(_) => {
                    self.open.pop();
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Event::End);
                }
                Markup::Text(bytes) => {
                    let text = text::decode(&bytes.into_inner(), self.latin, true);
                    if !text.is_empty() {
                        return Ok(Event::Text(text));
                    }
                }
                Markup::CData(bytes) => {
                    return Ok(Event::Text(text::decode(&bytes.into_inner(), self.latin, false)));
                }
                Markup::GeneralRef(bytes) => {
                    let reference = text::decode(&bytes.into_inner(), self.latin, false);
                    let text = text::resolve(&reference).map_or_else(|| format!("&{reference};"), String::from);
                    return Ok(Event::Text(text));
                }
                Markup::Decl(declaration) => {
                    self.declared = true;
                    if let Some(Ok(encoding)) = declaration.encoding() {
                        let encoding = String::from_utf8_lossy(&encoding).to_ascii_lowercase();
                        self.latin = matches!(encoding.as_str(), "iso-8859-1" | "latin1" | "windows-1252" | "us-ascii");
                    }
                }
                Markup::Eof if self.depth > 0 => return Err(self.broken("elements are not closed")),
                Markup::Eof if !self.begun => return Err(self.broken("there is no element")),
                Markup::Eof => return Ok(Event::Eof),
                Markup::Empty(_) | Markup::Comment(_) | Markup::PI(_) | Markup::DocType(_) => {}
            }
        }
    }

    /// The next element inside the one that has begun, which has to be read to its end; none at the end of that one. Text
    /// between elements is passed over.
    pub(crate) fn child(&mut self) -> Result<Option<Element>, Stop> {
        loop {
            match self.next()? {
                Event::Start(element) => return Ok(Some(element)),
                Event::End | Event::Eof => return Ok(None),
                Event::Text(_) => {}
            }
        }
    }

    /// Reads over an element that has begun.
    pub(crate) fn skip(&mut self) -> Result<(), Stop> {
        let mut open = 1_usize;
        while open > 0 {
            match self.next()? {
                Event::Start(_) => open += 1,
                Event::End => open -= 1,
                Event::Text(_) => {}
                Event::Eof => return Ok(()),
            }
        }
        Ok(())
    }

    /// The text of an element that has begun, with that of the elements in it, within a limit.
    pub(crate) fn text(&mut self, limit: usize) -> Result<String, Stop> {
        let mut text = crate::model::Text::default();
        let mut open = 1_usize;
        while open > 0 {
            match self.next()? {
                Event::Start(_) => open += 1,
                Event::End => open -= 1,
                Event::Text(piece) => text.push(&piece, limit),
                Event::Eof => break,
            }
        }
        Ok(text.as_str().to_owned())
    }

    fn failed(&self, error: quick_xml::Error) -> Stop {
        let sieve = self.reader.get_ref();
        if sieve.has_document_type() {
            let (line, byte) = sieve.position();
            return Stop::DocumentType { line, byte };
        }
        match error {
            quick_xml::Error::Io(cause) => Stop::Io(std::io::Error::new(cause.kind(), cause.to_string())),
            error => self.broken(&error.to_string()),
        }
    }
}

fn element(start: &quick_xml::events::BytesStart<'_>, latin: bool) -> Option<Element> {
    let local = |name: &[u8]| text::decode(name, latin, false);
    let mut attributes = Vec::new();
    for attribute in start.attributes().with_checks(false).flatten() {
        if attributes.len() == limits::ATTRIBUTES {
            return None;
        }
        let name = local(attribute.key.local_name().as_ref());
        attributes.push((name, text::decode(&attribute.value, latin, true)));
    }
    Some(Element { name: local(start.local_name().as_ref()), attributes })
}
