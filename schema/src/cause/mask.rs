//! What differs from one time to the next in a message, made a `*`: numbers, identifiers in hexadecimal digits, folders of
//! absolute paths.
//!
//! One pass from left to right looks at each character a bounded number of times, so that no message is slow. Words and
//! the names of files stay, because they tell one failure from another.

use super::primary::without_colours;

/// What stands for everything that differs.
const ANY: char = '*';
/// Hexadecimal digits with a figure among them are an identifier from so many on: short names of commits have seven.
const HEX: usize = 7;
/// Letters and figures mixed are an identifier from so many on.
const RANDOM: usize = 16;
/// Figures that such a word has in at least so many places.
const RANDOM_PLACES: usize = 3;
/// Lengths of the parts of a UUID.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];
/// Folders whose contents have names of the moment.
const TEMPORARY: [&str; 5] = ["tmp", "temp", "TEMP", "Temp", "T"];

/// A message without what differs; white space becomes single spaces, and colours of terminals go. Applied again it changes
/// nothing.
pub(super) fn masked(message: &str) -> String {
    let plain = without_colours(message);
    let mut masking = Masking { rest: &plain, made: String::with_capacity(plain.len()) };
    while masking.step() {}
    let end = masking.made.trim_end().len();
    masking.made.truncate(end);
    masking.made
}

struct Masking<'m> {
    rest: &'m str,
    /// The pattern so far. What stands before the rest is read here, so that a pattern is read as its message was.
    made: String,
}

impl Masking<'_> {
    /// Takes the next part of the message; false at its end.
    fn step(&mut self) -> bool {
        let Some(next) = self.rest.chars().next() else { return false };
        if next.is_whitespace() || next.is_control() {
            let length = self.rest.find(|it: char| !it.is_whitespace() && !it.is_control()).unwrap_or(self.rest.len());
            self.take(length, |made, _| {
                if !made.is_empty() && !made.ends_with(' ') {
                    made.push(' ');
                }
            });
        } else if self.rest.starts_with("://") {
            self.take(3, |made, scheme| made.push_str(scheme));
        } else if let Some(length) = self.path() {
            self.take(length, path);
        } else if is_of_word(next) {
            let length = uuid(self.rest).unwrap_or_else(|| word_length(self.rest));
            let length = length + self.fraction(length);
            self.take(length, word);
        } else if is_sign(next) && self.is_before_number() {
            self.take(next.len_utf8(), |_, _| ());
        } else {
            self.take(next.len_utf8(), |made, one| if one == "*" { star(made) } else { made.push_str(one) });
        }
        true
    }

    /// Takes so many bytes, of which `make` writes what stays.
    fn take(&mut self, length: usize, make: impl FnOnce(&mut String, &str)) {
        let (taken, rest) = self.rest.split_at(length);
        make(&mut self.made, taken);
        self.rest = rest;
    }

    /// Whether a path or a number with a sign can begin here. What follows a scheme is a host, or an absolute path.
    fn is_boundary(&self) -> bool {
        let before = self.made.chars().next_back();
        before.is_none_or(|before| " \"'`(<[{=,:;|".contains(before)) || self.made.ends_with("://")
    }

    /// Whether the sign here belongs to a number: it follows nothing that it could join or subtract from.
    fn is_before_number(&self) -> bool {
        (self.is_boundary() || self.made.ends_with('_'))
            && self.rest[1..].starts_with(|next: char| next.is_ascii_digit())
    }

    /// Bytes of the absolute path that begins here, which names a folder at least.
    fn path(&self) -> Option<usize> {
        let bytes = self.rest.as_bytes();
        let drive = match bytes {
            [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic() => 2,
            [b'/', ..] => 0,
            _ => return None,
        };
        if !self.is_boundary() {
            return None;
        }
        let is_end = |it: char| it.is_whitespace() || it.is_control() || "\"'`()<>[]{},;:|=*?".contains(it);
        let length = drive + self.rest[drive..].find(is_end).unwrap_or(self.rest.len() - drive);
        let parts = self.rest[drive..length].split(is_separator).filter(|part| !part.is_empty()).count();
        (parts >= 2).then_some(length)
    }

    /// Bytes behind a word of so many bytes that go on with the number at its end: `.5`, and of a version `.5.2`.
    fn fraction(&self, length: usize) -> usize {
        let (word, rest) = self.rest.split_at(length);
        if !word.ends_with(|last: char| last.is_ascii_digit()) {
            return exponent(word, rest);
        }
        let mut length = 0;
        while let Some(part) = rest[length..].strip_prefix('.') {
            let digits = digits(part);
            if digits == 0 {
                break;
            }
            length += 1 + digits;
        }
        // What is behind the last digit is still of the number's word: `1.5s`, `1.5e-7`.
        let tail = word_length(&rest[length..]);
        if length == 0 || tail == 0 {
            return length;
        }
        length + tail + exponent(&rest[..length + tail], &rest[length + tail..])
    }
}

/// Bytes of the exponent that a number that ends with `e` goes on with.
fn exponent(word: &str, rest: &str) -> usize {
    let is_begun =
        word.strip_suffix(['e', 'E']).is_some_and(|number| number.bytes().all(|it| it.is_ascii_digit() || it == b'.'));
    let Some(after) = rest.strip_prefix(['-', '+']).filter(|_| is_begun && word.len() > 1) else { return 0 };
    let digits = digits(after);
    if digits > 0 && word_length(after) == digits { 1 + digits } else { 0 }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_sign(character: char) -> bool {
    character == '-' || character == '+'
}

fn is_separator(character: char) -> bool {
    character == '/' || character == '\\'
}

fn word_length(text: &str) -> usize {
    text.find(|it: char| !is_of_word(it)).unwrap_or(text.len())
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// Bytes of the UUID that a text begins with.
fn uuid(text: &str) -> Option<usize> {
    let mut end = 0;
    for (index, length) in UUID.into_iter().enumerate() {
        if index > 0 {
            end += usize::from(text.as_bytes().get(end) == Some(&b'-'));
        }
        let part = text.get(end..end + length)?;
        if !part.bytes().all(|it| it.is_ascii_hexdigit()) {
            return None;
        }
        end += length;
    }
    (end == UUID.iter().sum::<usize>() + UUID.len() - 1 && word_length(&text[end..]) == 0).then_some(end)
}

/// Writes a `*`, unless one is there.
fn star(made: &mut String) {
    if !made.ends_with(ANY) {
        made.push(ANY);
    }
}

/// Writes a path: the name of its file, without the folders that differ from machine to machine; that of a temporary file
/// differs from time to time.
fn path(made: &mut String, path: &str) {
    let mut parts = path.rsplit(is_separator).filter(|part| !part.is_empty());
    let last = parts.next().unwrap_or_default();
    star(made);
    if parts.any(|part| TEMPORARY.contains(&part)) {
        return;
    }
    made.push('/');
    let mut rest = last;
    while let Some(next) = rest.chars().next() {
        let length = if is_of_word(next) { word_length(rest) } else { next.len_utf8() };
        let (part, after) = rest.split_at(length);
        if is_of_word(next) {
            word(made, part)
        } else {
            made.push_str(part)
        }
        rest = after;
    }
}

/// Writes a word, of which whatever is a number or an identifier becomes a `*`.
fn word(made: &mut String, word: &str) {
    if is_identifier(word) {
        return star(made);
    }
    let mut rest = word;
    while let Some(next) = rest.chars().next() {
        if next.is_ascii_digit() {
            let mut length = digits(rest);
            while rest[length..].starts_with('.') {
                length += 1 + digits(&rest[length + 1..]);
            }
            let after = &rest[length..];
            length += after.strip_prefix(['e', 'E']).map_or(0, |power| {
                let sign = usize::from(power.starts_with(is_sign));
                let digits = digits(&power[sign..]);
                if digits > 0 && sign + digits == power.len() { 1 + sign + digits } else { 0 }
            });
            star(made);
            rest = &rest[length..];
        } else {
            made.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
}

/// Whether a word is an identifier of the moment: an address, a digest, a UUID, or letters and figures at random.
fn is_identifier(word: &str) -> bool {
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_hexdigit());
    let has_figure = || word.bytes().any(|it| it.is_ascii_digit());
    if word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")).is_some_and(is_hex) {
        return true;
    }
    if has_figure() && (word.len() >= HEX && is_hex(word) || uuid(word) == Some(word.len())) {
        return true;
    }
    if word.len() < RANDOM || !word.bytes().all(|it| it.is_ascii_alphanumeric()) {
        return false;
    }
    let places = word.as_bytes().chunk_by(|one, other| one.is_ascii_digit() == other.is_ascii_digit());
    places.filter(|part| part[0].is_ascii_digit()).count() >= RANDOM_PLACES
}

#[cfg(test)]
mod tests;
