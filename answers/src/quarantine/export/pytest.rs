//! Arguments of pytest that deselect tests, one a line: `pytest @FILE` reads them since 8.2.
//!
//! JUnit reports of pytest name a test by its module and classes with points between, JSON reports by its node id. A name with
//! points stands for several node ids, of which at most one is that of a test: all of them are written. `--deselect` takes
//! every test whose id begins so; [`taken_for`] finds those that are meant by that as well.

use std::collections::BTreeSet;

/// Between the parts of a name, and of a node id.
const SEPARATOR: &str = "::";
/// The end of a module's file.
const MODULE: &str = ".py";
/// Parts of a dotted name: deeper folders and classes are in no project.
const MAX_PARTS: usize = 30;

/// The lines for some names.
pub(super) fn text<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let line = |id: String| format!("--deselect={id}\n");
    names.flat_map(|name| node_ids(name).into_iter().map(line)).collect()
}

/// Why a name cannot be written.
pub(super) fn unwritable(name: &str) -> Option<String> {
    node_ids(name).is_empty().then(|| "pytest gives no test such a name".to_owned())
}

/// Those of the known names whose tests would be left out with this one; it may be among them.
pub(super) fn taken_for<'k>(name: &str, known: &'k BTreeSet<String>) -> Vec<&'k String> {
    known.range(name.to_owned()..).take_while(|other| other.starts_with(name)).collect()
}

/// Every node id that reports of pytest name so.
fn node_ids(name: &str) -> Vec<String> {
    let Some((first, test)) = name.split_once(SEPARATOR).filter(|(first, test)| !first.is_empty() && !test.is_empty())
    else {
        return Vec::new();
    };
    if first.ends_with(MODULE) {
        return vec![name.to_owned()];
    }
    let parts: Vec<&str> = first.split('.').collect();
    if parts.len() > MAX_PARTS || parts.iter().any(|part| part.is_empty()) {
        return Vec::new();
    }
    let id = |classes: usize| {
        let (module, classes) = parts.split_at(parts.len() - classes);
        let file = format!("{}{MODULE}", module.join("/"));
        [file.as_str()].into_iter().chain(classes.iter().copied()).chain([test]).collect::<Vec<_>>().join(SEPARATOR)
    };
    (0..parts.len()).map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dotted_name_stands_for_every_node_id_that_is_reported_so() {
        assert_eq!(
            node_ids("sub.test_a.TestB::test_c[x::y.z]"),
            [
                "sub/test_a/TestB.py::test_c[x::y.z]",
                "sub/test_a.py::TestB::test_c[x::y.z]",
                "sub.py::test_a::TestB::test_c[x::y.z]"
            ]
        );
        assert_eq!(node_ids("sub/test_a.py::TestB::test_c"), ["sub/test_a.py::TestB::test_c"]);
        for none in ["test_a", "", "::test", "a::", "a..b::c"] {
            assert!(unwritable(none).is_some(), "{none}");
        }
    }

    #[test]
    fn whatever_begins_so_is_taken_as_well() {
        let known: BTreeSet<String> = ["t.a::b", "t.a::b2", "t.a::b[1]", "t.a::c", "t.b::b"].map(str::to_owned).into();
        assert_eq!(taken_for("t.a::b", &known), ["t.a::b", "t.a::b2", "t.a::b[1]"]);
        assert_eq!(taken_for("t.a::c", &known), ["t.a::c"]);
    }
}
