//! Reports in UTF-16, as tools on Windows write them, read as UTF-8.

use std::io::{self, Read};

/// In which order the two bytes of a unit stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// The order that a byte order mark tells, if the bytes begin with one.
pub(super) fn order(head: &[u8]) -> Option<Order> {
    match head {
        [0xff, 0xfe, ..] => Some(Order::Little),
        [0xfe, 0xff, ..] => Some(Order::Big),
        _ => None,
    }
}

/// The UTF-8 of a reader of UTF-16. What is no character becomes U+FFFD; the mark at the beginning is dropped.
pub(super) struct Utf16<R> {
    inner: R,
    order: Order,
    high: Option<u16>,
    odd: Option<u8>,
    out: Vec<u8>,
    at: usize,
}

impl<R: Read> Utf16<R> {
    pub(super) fn new(inner: R, order: Order) -> Self {
        Self { inner, order, high: None, odd: None, out: Vec::new(), at: 0 }
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = [0; 4096];
        let count = self.inner.read(&mut bytes)?;
        self.out.clear();
        self.at = 0;
        let mut text = String::new();
        for &byte in &bytes[..count] {
            let Some(first) = self.odd.take() else {
                self.odd = Some(byte);
                continue;
            };
            let unit = match self.order {
                Order::Little => u16::from_le_bytes([first, byte]),
                Order::Big => u16::from_be_bytes([first, byte]),
            };
            self.unit(unit, &mut text);
        }
        self.out = text.into_bytes();
        Ok(())
    }

    fn unit(&mut self, unit: u16, text: &mut String) {
        let pending = self.high.take();
        match (pending, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                text.extend(char::decode_utf16([high, unit]).map(|character| character.unwrap_or('\u{fffd}')));
            }
            (pending, unit) => {
                if pending.is_some() {
                    text.push('\u{fffd}');
                }
                match unit {
                    0xfeff => {}
                    0xd800..=0xdbff => self.high = Some(unit),
                    _ => text.push(char::from_u32(u32::from(unit)).unwrap_or('\u{fffd}')),
                }
            }
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A read may end inside a character; only a read without bytes is the end.
        while self.at == self.out.len() {
            let (odd, high) = (self.odd, self.high);
            self.fill()?;
            if self.out.is_empty() && (odd, high) == (self.odd, self.high) {
                return Ok(0);
            }
        }
        let count = buffer.len().min(self.out.len() - self.at);
        buffer[..count].copy_from_slice(&self.out[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;

    use super::{Order, Utf16, order};

    #[test]
    fn both_orders_are_read_and_half_characters_replaced() {
        let text = "\u{feff}<a>é😀</a>";
        let little: Vec<u8> = text.encode_utf16().chain([0xd800, 0x41]).flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().chain([0xd800, 0x41]).flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            let mut read = String::new();
            let order = order(&bytes).unwrap();
            Utf16::new(bytes.as_slice(), order).read_to_string(&mut read).unwrap();
            assert_eq!(read, "<a>é😀</a>\u{fffd}A");
        }
        assert_eq!(order(b"<?xml"), None);
        assert_eq!(order(&[0xff, 0xfe]), Some(Order::Little));
    }
}
