//! The message of a test that `rebot --merge` put together from several runs: HTML, with the status and message of each run,
//! the newest first.

use crate::limits;

/// A run of the test before the last.
pub(crate) struct Earlier {
    /// `PASS`, `FAIL` or `SKIP`.
    pub(crate) word: String,
    pub(crate) message: String,
}

/// The message of the last run, and the runs before it in their order. A message of one run is as it stands.
pub(crate) fn parts(message: &str) -> (String, Vec<Earlier>) {
    let Some(merged) = message.strip_prefix("*HTML* <span class=\"merge\">") else {
        return (message.to_owned(), Vec::new());
    };
    let mut last = String::new();
    let mut earlier = Vec::new();
    for section in merged.split("<hr>").skip(1).take(limits::ATTEMPTS) {
        let (word, text) = (spanned(section, "-status\">"), section.split_once("-message\">"));
        let text = text.and_then(|(_, text)| text.split_once("</span>")).map_or("", |(_, text)| text);
        let text = plain(text.trim().trim_end_matches("<br>"));
        if section.starts_with("<span class=\"old-status\">") {
            earlier.push(Earlier { word, message: text });
        } else if section.starts_with("<span class=\"new-status\">") {
            last = text;
        }
    }
    earlier.reverse();
    earlier.truncate(limits::ATTEMPTS - 1);
    (last, earlier)
}

/// The word of a status: the text of the element that follows its label.
fn spanned(section: &str, label: &str) -> String {
    let value = section.split_once(label).and_then(|(_, rest)| rest.split_once("</span>")).map_or("", |(_, rest)| rest);
    let value = value.split_once("\">").map_or("", |(_, rest)| rest);
    value.split_once('<').map_or(value, |(word, _)| word).trim().to_ascii_uppercase()
}

/// Text without the escapes of HTML.
fn plain(text: &str) -> String {
    let text = text.trim().strip_prefix("*HTML*").unwrap_or(text.trim()).trim();
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_merged_message_has_all_runs() {
        let merged = "*HTML* <span class=\"merge\">Test has been re-executed and results merged.</span><hr>\
            <span class=\"new-status\">New status:</span> <span class=\"fail\">FAIL</span><br>\
            <span class=\"new-message\">New message:</span> a &lt; b<br><hr>\
            <span class=\"old-status\">Old status:</span> <span class=\"fail\">FAIL</span><br>\
            <span class=\"old-message\">Old message:</span> second<br><hr>\
            <span class=\"old-status\">Old status:</span> <span class=\"skip\">SKIP</span><br>";
        let (last, earlier) = parts(merged);
        let earlier: Vec<_> = earlier.iter().map(|run| (run.word.as_str(), run.message.as_str())).collect();
        assert_eq!((last.as_str(), earlier), ("a < b", vec![("SKIP", ""), ("FAIL", "second")]));
        let (last, earlier) = parts("*HTML* <b>no</b>");
        assert_eq!((last.as_str(), earlier.len()), ("*HTML* <b>no</b>", 0));
    }
}
