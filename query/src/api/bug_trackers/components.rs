//! Which component of WebKit's Bugzilla a test belongs to: section 15 of the wire contract.

/// Words of a test's path and the component they mean, in alphabetical order of the components.
const BY_WORD: &[(&str, &[&str])] = &[
    ("Accessibility", &["accessibility"]),
    ("Animations", &["animations"]),
    ("Bindings", &["bindings"]),
    ("Canvas", &["canvas"]),
    ("Compositing", &["compositing"]),
    (
        "CSS",
        &[
            "css",
            "css1",
            "css2.1",
            "css3",
            "cssom",
            "css-custom-properties-api",
            "css-dark-mode",
            "css-typedom",
            "backgrounds",
            "borders",
            "box-decoration-break",
            "box-shadow",
            "box-sizing",
            "flexbox",
            "gradients",
            "inline",
            "inline-block",
            "line-grid",
            "multicol",
            "overflow",
            "transforms",
        ],
    ),
    ("DOM", &["dom", "shadow-dom"]),
    ("Forms", &["forms"]),
    ("Frames", &["frames"]),
    ("History", &["history"]),
    ("HTML Editing", &["editing"]),
    ("Images", &["images"]),
    ("JavaScriptCore", &["js", "jquery", "regex"]),
    ("Layout and Rendering", &["rendering", "layers"]),
    ("MathML", &["mathml"]),
    ("Media", &["media", "mediacapturefromelement", "mediasession", "mediastream"]),
    ("New Bugs", &["imported"]),
    ("Printing", &["printing"]),
    ("Scrolling", &["scrolling"]),
    ("Service Workers", &["workers"]),
    ("SVG", &["svg"]),
    ("Tables", &["tables"]),
    ("Text", &["text"]),
    ("UI Events", &["events", "eventloop"]),
    ("Web Audio", &["webaudio"]),
    ("Web Inspector", &["inspector"]),
    ("WebAssembly", &["wasm"]),
    ("WebCore Misc.", &["misc"]),
    ("WebGL", &["webgl"]),
    ("WebGPU", &["gpu-process"]),
    ("WebRTC", &["webrtc"]),
    ("Website Storage", &["storage"]),
    ("XML", &["xml"]),
];

/// The component of a test, or of a suite.
pub(super) fn of(suite: &str, test: Option<&str>) -> &'static str {
    match suite {
        "api-tests" => "WebKit API",
        "webkitpy-tests" => "Tools / Tests",
        "javascriptcore-tests" => "JavaScriptCore",
        "layout-tests" | "internal-security-tests" => by_word(test.unwrap_or_default()).unwrap_or("New Bugs"),
        "internal-media-tests" => "Media",
        _ => "New Bugs",
    }
}

fn by_word(test: &str) -> Option<&'static str> {
    let has = |words: &&[&str]| test.split('/').any(|segment| words.contains(&segment));
    BY_WORD.iter().find(|(_, words)| has(words)).map(|(component, _)| *component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_component_in_alphabetical_order_wins() {
        assert_eq!(of("layout-tests", Some("svg/dom/a.html")), "DOM");
        assert_eq!(of("layout-tests", Some("fast/unknown/a.html")), "New Bugs");
        assert_eq!(of("api-tests", Some("svg/a")), "WebKit API");
        assert!(BY_WORD.is_sorted_by_key(|(component, _)| component.to_lowercase()));
    }
}
