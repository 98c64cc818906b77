//! What the pages are made of: templates and static files, in the binary of a release, read from disk in a debug build.

use std::borrow::Cow;

use minijinja::{Environment, UndefinedBehavior};
use rust_embed::Embed;

use super::time;

#[derive(Embed)]
#[folder = "templates/"]
struct Templates;

/// `/assets/NAME`; scripts are at `/assets/js/NAME`.
#[derive(Embed)]
#[folder = "assets/"]
struct Assets;

/// `/library/NAME`: other people's modules, from the npm packages that package-lock.json pins.
const LIBRARIES: &[(&str, &[u8])] = &[
    ("combobox-nav.js", include_bytes!("../../../node_modules/@github/combobox-nav/dist/index.js")),
    ("htmx.js", include_bytes!("../../../node_modules/htmx.org/dist/htmx.min.js")),
    ("uplot.css", include_bytes!("../../../node_modules/uplot/dist/uPlot.min.css")),
    ("uplot.js", include_bytes!("../../../node_modules/uplot/dist/uPlot.iife.min.js")),
    ("relative-time.js", include_bytes!("../../../node_modules/@github/relative-time-element/dist/bundle.js")),
];

/// Templates by their names; an undefined value is an error. The line break after a tag and the indentation before one
/// are not part of the page, so that a template may give each tag a line of its own.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
        .set_loader(|name| Ok(Templates::get(name).map(|file| String::from_utf8_lossy(&file.data).into_owned())));
    environment.add_filter("utc", time::minutes);
    environment.add_filter("iso", time::iso);
    environment.add_filter("took", time::took);
    environment
}

/// Content type and contents of a static file.
pub(super) fn asset(path: &str) -> Option<(&'static str, Cow<'static, [u8]>)> {
    let kind = match path.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "application/javascript;charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    if let Some(library) = path.strip_prefix("/library/") {
        let (_, contents) = LIBRARIES.iter().find(|(name, _)| *name == library)?;
        return Some((kind, Cow::Borrowed(*contents)));
    }
    let file = Assets::get(path.strip_prefix("/assets/")?)?;
    Some((kind, file.data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_parses() {
        let environment = environment();
        let broken: Vec<_> = Templates::iter().filter_map(|name| environment.get_template(&name).err()).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }

    #[test]
    fn libraries_and_assets_are_found_and_nothing_else() {
        assert_eq!(
            asset("/library/combobox-nav.js").map(|(kind, _)| kind),
            Some("application/javascript;charset=utf-8")
        );
        assert!(asset("/assets/style.css").is_some());
        assert!(asset("/assets/../templates/base.html").is_none());
        assert!(asset("/library/../style.css").is_none());
    }
}
