//! JSON made readable: what runners write that is none costs itself only.
//!
//! Halves of surrogate pairs and bytes that are no UTF-8 become U+FFFD, control characters inside strings are escaped, `NaN`
//! and `Infinity` become `null`, a comma that googletest leaves out between two members of a list is put in, and of a string
//! longer than [`JSON_STRING_BYTES`] the rest is dropped.

use std::io::{self, BufRead, Read};
use std::rc::Rc;

use super::meter::Meter;
use crate::limits::JSON_STRING_BYTES;

const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    Text,
    Escape,
    /// Inside `\uXXXX`, with the digits so far.
    Hex {
        value: u16,
        digits: u8,
    },
}

/// The state between two bytes.
struct Machine {
    state: State,
    out: Vec<u8>,
    /// Letters outside strings.
    word: Vec<u8>,
    /// Bytes of one character of several.
    character: Vec<u8>,
    /// The first half of a surrogate pair.
    high: Option<u16>,
    /// Bytes of the present string that were handed on.
    length: usize,
    /// Values that have begun since this was taken last, about: each list, object and comma begins one.
    values: u64,
    /// How many objects and lists are open, and whether the last of them has just ended.
    depth: usize,
    ended: bool,
}

impl Machine {
    fn new() -> Self {
        Self {
            state: State::Outside,
            out: Vec::new(),
            word: Vec::new(),
            character: Vec::new(),
            high: None,
            length: 0,
            values: 0,
            depth: 0,
            ended: false,
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.state == State::Text && self.character.is_empty() && self.high.is_none() {
                let plain = bytes.iter().position(|byte| !(0x20..=0x7e).contains(byte) || b"\"\\".contains(byte));
                let (run, after) = bytes.split_at(plain.unwrap_or(bytes.len()));
                if !run.is_empty() {
                    let room = JSON_STRING_BYTES.saturating_sub(self.length).min(run.len());
                    self.out.extend_from_slice(&run[..room]);
                    self.length += room;
                    bytes = after;
                    continue;
                }
            }
            self.byte(byte);
            bytes = rest;
        }
    }

    fn byte(&mut self, byte: u8) {
        match self.state {
            State::Outside => self.outside(byte),
            State::Text => self.text(byte),
            State::Escape => {
                self.state = State::Text;
                match byte {
                    b'u' => self.state = State::Hex { value: 0, digits: 0 },
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.unit(&[b'\\', byte]),
                    _ => {
                        self.unit(b"\\\\");
                        self.text(byte);
                    }
                }
            }
            State::Hex { value, digits } => match char::from(byte).to_digit(16) {
                Some(digit) => {
                    let value = value << 4 | digit as u16;
                    self.state = State::Hex { value, digits: digits + 1 };
                    if digits == 3 {
                        self.state = State::Text;
                        self.code_unit(value);
                    }
                }
                None => {
                    self.state = State::Text;
                    self.unit(REPLACEMENT);
                    self.text(byte);
                }
            },
        }
    }

    fn outside(&mut self, byte: u8) {
        if byte.is_ascii_alphabetic() || (byte == b'-' && self.word.is_empty()) {
            // Longer than any word of JSON: no JSON, and the reader says so.
            if self.word.len() < 16 {
                self.word.push(byte);
            }
            return;
        }
        self.word_end();
        match byte {
            b'"' => {
                self.state = State::Text;
                self.length = 0;
            }
            b'{' | b'[' => {
                if self.ended && self.depth > 0 && byte == b'{' {
                    self.out.push(b',');
                }
                self.depth += 1;
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.values += u64::from(b"[{,".contains(&byte));
        self.ended = byte == b'}' || self.ended && byte.is_ascii_whitespace();
        self.out.push(byte);
    }

    fn word_end(&mut self) {
        let word = std::mem::take(&mut self.word);
        match word.as_slice() {
            b"NaN" | b"Infinity" | b"-Infinity" | b"-NaN" => self.out.extend_from_slice(b"null"),
            word => self.out.extend_from_slice(word),
        }
    }

    fn text(&mut self, byte: u8) {
        if !self.character.is_empty() {
            if byte & 0xc0 == 0x80 {
                self.character.push(byte);
                let expected = match self.character[0] {
                    0xf0.. => 4,
                    0xe0.. => 3,
                    _ => 2,
                };
                if self.character.len() == expected {
                    let character = std::mem::take(&mut self.character);
                    let valid = std::str::from_utf8(&character).is_ok();
                    self.unit(if valid { &character } else { REPLACEMENT });
                }
                return;
            }
            self.character.clear();
            self.unit(REPLACEMENT);
        }
        match byte {
            b'\\' => self.state = State::Escape,
            b'"' => {
                self.high_end();
                self.state = State::Outside;
                self.out.push(byte);
            }
            0xc2..=0xf4 => {
                self.high_end();
                self.character.push(byte);
            }
            0x80.. => self.unit(REPLACEMENT),
            0x00..=0x1f => self.unit(format!("\\u{byte:04x}").as_bytes()),
            _ => self.unit(&[byte]),
        }
    }

    fn code_unit(&mut self, unit: u16) {
        match (self.high.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => self.unit(format!("\\u{high:04x}\\u{unit:04x}").as_bytes()),
            (high, unit) => {
                if high.is_some() {
                    self.unit(REPLACEMENT);
                }
                match unit {
                    0xd800..=0xdbff => self.high = Some(unit),
                    0xdc00..=0xdfff => self.unit(REPLACEMENT),
                    _ => self.unit(format!("\\u{unit:04x}").as_bytes()),
                }
            }
        }
    }

    fn high_end(&mut self) {
        if self.high.take().is_some() {
            self.push(REPLACEMENT);
        }
    }

    /// Hands on one character or escape, as a whole.
    fn unit(&mut self, unit: &[u8]) {
        self.high_end();
        self.push(unit);
    }

    fn push(&mut self, unit: &[u8]) {
        if self.length + unit.len() <= JSON_STRING_BYTES {
            self.out.extend_from_slice(unit);
            self.length += unit.len();
        }
    }
}

/// One line, made readable.
pub(crate) fn repaired(line: &[u8]) -> Vec<u8> {
    let mut machine = Machine::new();
    machine.take(line);
    machine.word_end();
    machine.out
}

/// A document, made readable as it is read.
pub(super) struct Repair<R> {
    input: R,
    machine: Machine,
    at: usize,
    ended: bool,
    meter: Rc<Meter>,
}

impl<R: BufRead> Repair<R> {
    pub(super) fn new(input: R, meter: Rc<Meter>) -> Self {
        Self { input, machine: Machine::new(), at: 0, ended: false, meter }
    }
}

impl<R: BufRead> Read for Repair<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.machine.out.len() && !self.ended {
            self.machine.out.clear();
            self.at = 0;
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let count = bytes.len().min(4096);
            self.meter.count(&bytes[..count])?;
            self.machine.take(&bytes[..count]);
            self.meter.count_values(std::mem::take(&mut self.machine.values))?;
            self.input.consume(count);
            if count == 0 {
                self.ended = true;
                self.machine.word_end();
            }
        }
        let count = buffer.len().min(self.machine.out.len() - self.at);
        buffer[..count].copy_from_slice(&self.machine.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::Value;

    use super::repaired;
    use crate::limits::JSON_STRING_BYTES;

    #[test]
    fn what_is_json_stays_and_what_is_none_becomes_it() {
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(&repaired(bytes)).unwrap();
        for json in [r#"{"a": [1, -2.5e-3, true, null, "\ud83d\ude00 \n \u0000 \\ \" é😀"]}"#, "\"\"", "-1", "[-1]"]
        {
            assert_eq!(read(json.as_bytes()), serde_json::from_str::<Value>(json).unwrap(), "{json}");
        }
        for (bytes, json) in [
            (&b"\"\\ud800\""[..], "\"\u{fffd}\""),
            (b"\"\\udc00x\"", "\"\u{fffd}x\""),
            (b"\"\\ud800\\ud83d\\ude00\"", "\"\u{fffd}😀\""),
            (b"\"\\ud800\\n\"", "\"\u{fffd}\\n\""),
            (b"\"\\ud8\"", "\"\u{fffd}\""),
            (b"\"a\xffb\xc3\"", "\"a\u{fffd}b\u{fffd}\""),
            (b"\"a\x1b\x00\n\"", "\"a\\u001b\\u0000\\n\""),
            (b"\"\\x1b\"", "\"\\\\x1b\""),
            (b"[{} \n {\"a\": [{}{}]}, {}]", "[{}, {\"a\": [{}, {}]}, {}]"),
            (b"[NaN, -Infinity, Infinity]", "[null, null, null]"),
        ] {
            assert_eq!(read(bytes), serde_json::from_str::<Value>(json).unwrap(), "{json}");
        }
    }

    #[test]
    fn long_strings_are_cut_between_characters() {
        let long = format!("[\"{}\", 1]", "é\\ud83d\\ude00".repeat(JSON_STRING_BYTES));
        let value: Value = serde_json::from_slice(&repaired(long.as_bytes())).unwrap();
        assert!(value[0].as_str().unwrap().starts_with("é😀é😀"));
        assert_eq!(value[1], 1);
    }
}
