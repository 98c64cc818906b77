//! As what a file of an archive is served.

/// What nobody needs to read in a browser, or what could be anything: it is saved.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// Extensions of texts that runners, crash reporters and version control write; a browser shows them and runs nothing.
const TEXTS: [&str; 40] = [
    "txt",
    "text",
    "log",
    "out",
    "err",
    "stdout",
    "stderr",
    "trace",
    "crash",
    "ips",
    "diff",
    "patch",
    "checksum",
    "md",
    "rst",
    "csv",
    "tsv",
    "xml",
    "svg",
    "yaml",
    "yml",
    "toml",
    "ini",
    "cfg",
    "conf",
    "properties",
    "js",
    "mjs",
    "py",
    "rb",
    "pl",
    "sh",
    "c",
    "cc",
    "cpp",
    "h",
    "m",
    "mm",
    "rs",
    "swift",
];

/// The media type of a path, by its extension; a name without one is a text, as the reference has it.
pub(super) fn content_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some((_, extension)) = name.rsplit_once('.') else { return "text/plain" };
    match extension.to_lowercase().as_str() {
        "json" => "application/json",
        "css" => "text/css",
        "html" => "text/html",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        extension if TEXTS.contains(&extension) => "text/plain",
        _ => UNKNOWN,
    }
}

/// The media type of a file: one that is called a text and holds what no text does is unknown.
pub(super) fn served_type(path: &str, bytes: &[u8]) -> &'static str {
    match content_type(path) {
        "text/plain" if bytes.contains(&0) => UNKNOWN,
        known => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_extensions_are_served_as_what_they_are() {
        let types = ["a.HTML", "b/c.css", "d.jpeg", "e.json", "crash.log", "notes", "x.y/README"].map(content_type);
        let texts = ["text/plain"; 3];
        assert_eq!(types[..4], ["text/html", "text/css", "image/jpeg", "application/json"]);
        assert_eq!(types[4..], texts);
    }

    #[test]
    fn what_could_run_or_be_anything_is_unknown() {
        for name in
            ["a.xhtml", "a.htm", "a.pdf", "a.swf", "a.exe", "a.webarchive", "a.", "a.html.x", ".profile", "a.shtml"]
        {
            assert_eq!(content_type(name), UNKNOWN, "{name}");
        }
        assert_eq!(served_type("core", b"\x7fELF\0"), UNKNOWN);
        assert_eq!(served_type("core", b"a text"), "text/plain");
        assert_eq!(served_type("a.png", b"\0"), "image/png");
    }

    proptest! {
        #[test]
        fn only_pages_are_pages(name in "\\PC{0,20}") {
            if content_type(&name) == "text/html" {
                prop_assert!(name.to_lowercase().ends_with(".html"));
            }
        }
    }
}
