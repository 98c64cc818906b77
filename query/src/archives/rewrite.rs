//! Makes links between files of an archive lead to the same archive again, by appending its query.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What may not stand in a value of a query inside an attribute, a style or a script.
const VALUE: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'\'')
    .add(b'<')
    .add(b'>')
    .add(b'&')
    .add(b'#')
    .add(b'%')
    .add(b'+')
    .add(b'`')
    .add(b'(')
    .add(b')')
    .add(b'\\');

/// A value of a query.
pub(crate) fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// Appends `suffix` to every mention of another file: by its path from the root or, in the same folder, by its name.
///
/// A mention ends where its name does, and longer names are tried first, so that a name inside another is left alone.
pub(crate) fn links<'a>(text: &[u8], path: &str, names: impl Iterator<Item = &'a str>, suffix: &str) -> Vec<u8> {
    let folder = path.rfind('/').map_or("", |end| &path[..=end]);
    let mut mentions: Vec<&str> = names
        .filter(|name| *name != path)
        .map(|name| name.strip_prefix(folder).unwrap_or(name))
        .filter(|name| !name.is_empty())
        .collect();
    mentions.sort_by_key(|name| std::cmp::Reverse(name.len()));
    // Names by their first byte: most bytes of a page start none.
    let mut starting: Vec<Vec<&str>> = vec![Vec::new(); 256];
    for mention in mentions {
        starting[usize::from(mention.as_bytes()[0])].push(mention);
    }
    let mut rewritten = Vec::with_capacity(text.len());
    let mut position = 0;
    while position < text.len() {
        let rest = &text[position..];
        let starts = position == 0 || !is_name(text[position - 1]);
        let found = starting[usize::from(rest[0])].iter().find(|name| {
            let name = name.as_bytes();
            starts && rest.starts_with(name) && rest.get(name.len()).is_none_or(|next| !is_name(*next) && *next != b'?')
        });
        match found {
            Some(name) => {
                rewritten.extend_from_slice(name.as_bytes());
                rewritten.extend_from_slice(suffix.as_bytes());
                position += name.len();
            }
            None => {
                rewritten.push(rest[0]);
                position += 1;
            }
        }
    }
    rewritten
}

/// Whether a byte goes on with a file's name.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The same for a page, whose scripts make links of their own; `request` is the query it was asked with.
pub(crate) fn html<'a>(
    text: &[u8],
    path: &str,
    names: impl Iterator<Item = &'a str>,
    suffix: &str,
    request: &str,
) -> Vec<u8> {
    let mut page = links(text, path, names, suffix);
    for tag in ["<script src=\"js/status-bubble.js\"></script>", "<script src=\"code-review.js?version=48\"></script>"]
    {
        page = replace(&page, tag, "");
    }
    let query = form_urlencoded::parse(request.as_bytes())
        .map(|(name, value)| format!("{}={}", encode(&name), encode(&value)))
        .collect::<Vec<_>>()
        .join("&");
    let made = "href=\"' + testPrefix + suffix + '\"";
    page = replace(&page, made, &format!("href=\"' + testPrefix + suffix + '?{query}' + '\""));
    if query.is_empty() { page } else { replace(&page, "src += '?format=txt'", "src += '&format=txt'") }
}

fn replace(text: &[u8], what: &str, with: &str) -> Vec<u8> {
    let what = what.as_bytes();
    let mut replaced = Vec::with_capacity(text.len());
    let mut position = 0;
    while position < text.len() {
        if text[position..].starts_with(what) {
            replaced.extend_from_slice(with.as_bytes());
            position += what.len();
        } else {
            replaced.push(text[position]);
            position += 1;
        }
    }
    replaced
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn rewritten(text: &str, path: &str) -> String {
        let names = ["style.css", "a/x.png", "a/x.png.txt", "a/index.html"];
        String::from_utf8(links(text.as_bytes(), path, names.into_iter(), "?q")).unwrap()
    }

    #[test]
    fn mentions_get_the_query_once_and_whole() {
        assert_eq!(
            rewritten("<img src=\"x.png\"><a href='x.png.txt'>", "a/index.html"),
            "<img src=\"x.png?q\"><a href='x.png.txt?q'>"
        );
        assert_eq!(
            rewritten("url(../style.css) mystyle.css style.css2", "a/index.html"),
            "url(../style.css?q) mystyle.css style.css2"
        );
        assert_eq!(rewritten("a/x.png", "style.css"), "a/x.png?q");
    }

    #[test]
    fn hostile_values_stay_inside_their_attribute() {
        assert!(!encode("\"><script>alert('x')").contains(['"', '<', '>', '\'']));
        let page = html(b"href=\"' + testPrefix + suffix + '\"", "a.html", std::iter::empty(), "", "a=%22%27%3C");
        assert_eq!(String::from_utf8(page).unwrap(), "href=\"' + testPrefix + suffix + '?a=%22%27%3C' + '\"");
    }
}
