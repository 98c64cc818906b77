//! Characters of XML, read so that a wrong one costs itself only.

/// Text of an element or attribute: bytes that are no UTF-8 become U+FFFD, or are read as Latin-1 where the report says
/// that it is; references to characters and the five entities are resolved, others stay as they are written.
pub(super) fn decode(bytes: &[u8], latin: bool, references: bool) -> String {
    let text: String = if latin && std::str::from_utf8(bytes).is_err() {
        bytes.iter().map(|&byte| char::from(byte)).collect()
    } else {
        String::from_utf8_lossy(bytes).into_owned()
    };
    if !references || !text.contains('&') {
        return text;
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('&') {
        resolved.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((end, resolve(&rest[1..end])?))) {
            Some((end, character)) => {
                resolved.push(character);
                rest = &rest[end + 1..];
            }
            None => {
                resolved.push('&');
                rest = &rest[1..];
            }
        }
    }
    resolved.push_str(rest);
    resolved
}

/// The character that a reference names, without `&` and `;`. What is no character, as half of a pair, is U+FFFD.
pub(super) fn resolve(reference: &str) -> Option<char> {
    let number = match reference {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => reference.strip_prefix('#')?,
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    Some(char::from_u32(number).unwrap_or('\u{fffd}'))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn a_wrong_character_costs_itself_only() {
        let text = |bytes: &[u8]| decode(bytes, false, true);
        assert_eq!(text(b"a &lt;&amp;&gt; &quot;&apos;"), "a <&> \"'");
        assert_eq!(text(b"&#27;[31m &#xD800; &#xe9; &#9999999999; x"), "\u{1b}[31m \u{fffd} é &#9999999999; x");
        assert_eq!(text(b"a\xffb & c &nbsp; &amp#27; &"), "a\u{fffd}b & c &nbsp; &amp#27; &");
        assert_eq!(text("nul\0 \u{ffff} ]]>".as_bytes()), "nul\0 \u{ffff} ]]>");
        assert_eq!(decode(b"caf\xe9", true, true), "café");
        assert_eq!(decode(b"&lt;", false, false), "&lt;");
    }
}
