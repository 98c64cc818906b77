//! `read`, through the binary that people install.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PASSES: &str = "<testsuite name=\"s\"><testcase name=\"passes\" classname=\"C\" time=\"0.5\"/></testsuite>";
const FAILS: &str = "1..2\nnot ok 1 - fails\nok 2 - passes # skip not today\n";

fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_resultsdb-client"))
        .arg("read")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that reads no standard input may have ended.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn lines(bytes: &[u8]) -> Vec<&str> {
    std::str::from_utf8(bytes).unwrap().lines().collect()
}

fn reports() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.xml"), PASSES).unwrap();
    fs::create_dir(folder.path().join("more")).unwrap();
    fs::write(folder.path().join("more/b.tap"), FAILS).unwrap();
    fs::write(folder.path().join("more/notes.txt"), "no report").unwrap();
    folder
}

const A: &str = r#"{"test":"C::passes","attempts":[{"status":"passed","ms":500.0}],"started":null}"#;
const B: [&str; 2] = [
    r#"{"test":"fails","attempts":[{"status":"failed","ms":null}],"started":null}"#,
    r#"{"test":"passes","attempts":[{"status":"skipped","ms":null}],"started":null}"#,
];

#[test]
fn files_folders_patterns_and_standard_input_are_one_run() {
    let folder = reports();
    for arguments in [&["."][..], &["a.xml", "more"], &["*.xml", "**/*.tap"]] {
        let output = run(folder.path(), arguments, b"");
        assert_eq!(lines(&output.stdout), [A, B[0], B[1]], "{arguments:?}");
        assert_eq!((output.status.code(), lines(&output.stderr)), (Some(0), vec![]));
    }
    let output = run(folder.path(), &["a.xml", "-"], PASSES.as_bytes());
    assert_eq!(lines(&output.stdout), [A.to_owned(), A.replace("C::passes", "C::passes (2)")]);
}

#[test]
fn a_file_that_cannot_be_read_does_not_keep_the_others_from_it() {
    let folder = reports();
    let output = run(folder.path(), &["missing.xml", "more/notes.txt", "*.trx", "a.xml"], b"");
    assert_eq!(lines(&output.stdout), [A]);
    assert_eq!(output.status.code(), Some(1));
    let errors = lines(&output.stderr);
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(errors[0].starts_with("missing.xml cannot be read: "));
    assert!(errors[1].starts_with("more/notes.txt is in no form of report that is known here"));
    assert!(errors[2].starts_with("*.trx names no report"));
}

#[test]
fn problems_are_lines_of_their_own_and_no_error_of_reading() {
    let folder = reports();
    let output = run(folder.path(), &["-"], &PASSES.as_bytes()[..PASSES.len() - 5]);
    assert_eq!(output.status.code(), Some(0));
    let read = lines(&output.stdout);
    assert_eq!(read[0], A);
    let problem: serde_json::Value = serde_json::from_str(read[1]).unwrap();
    assert_eq!(problem.as_object().unwrap().len(), 1);
    assert!(problem["error"].as_str().unwrap().contains("is broken off at line 1, byte "), "{problem}");
}

#[test]
fn archives_are_opened() {
    let folder = reports();
    let packed = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(FAILS.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, bytes) in [("z/a.xml", PASSES.as_bytes()), ("b.tap.gz", &packed), ("picture.png", b"x")] {
        archive.start_file(name, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    let archive = archive.finish().unwrap().into_inner();
    fs::write(folder.path().join("reports.zip"), &archive).unwrap();
    fs::write(folder.path().join("b.gz"), &packed).unwrap();
    assert_eq!(lines(&run(folder.path(), &["b.gz"], b"").stdout), B);
    assert_eq!(lines(&run(folder.path(), &["reports.zip"], b"").stdout), [B[0], B[1], A]);
    assert_eq!(lines(&run(folder.path(), &["-"], &archive).stdout), [A, B[0], B[1]]);
    let output = run(folder.path(), &["-"], &packed[..packed.len() / 2]);
    assert_ne!((output.status.code(), output.stdout.len()), (Some(0), 0));
}

#[test]
fn names_zone_and_form_can_be_said() {
    let folder = reports();
    let at = folder.path().canonicalize().unwrap();
    let report = format!(
        "<testsuite name=\"Mocha Tests\"><testcase classname=\"math\" name=\"adds\" file=\"{}/t/a.js\" time=\"0\"/></testsuite>",
        at.display()
    );
    let test = |arguments: &[&str]| {
        let output = run(folder.path(), arguments, report.as_bytes());
        let line: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        line["test"].as_str().unwrap().to_owned()
    };
    assert_eq!(test(&["-"]), "t/a.js::math::adds");
    let more = at.join("t");
    assert_eq!(test(&["-", "--root", &more.to_string_lossy()]), "a.js::math::adds");
    assert_eq!(test(&["-", "--names", "{class} > {name}"]), "math > adds");
    let robot = r#"<robot><suite name="S"><test name="t"><status status="PASS" start="2026-11-27T12:15:39.943669" elapsed="0.001"/></test></suite></robot>"#;
    let output = run(folder.path(), &["-", "--zone", "+05:30", "--format", "robot"], robot.as_bytes());
    assert!(lines(&output.stdout)[0].ends_with(r#""started":"2026-11-27T12:15:39.943669+05:30"}"#));
    let output = run(folder.path(), &["-", "--format", "xunit"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_reader_who_leaves_ends_the_command_quietly() {
    let folder = reports();
    let many: String = (0..200_000).map(|number| format!("<testcase name=\"t{number}\"/>")).collect();
    fs::write(folder.path().join("many.xml"), format!("<testsuite>{many}</testsuite>")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_resultsdb-client"))
        .args(["read", "many.xml"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut [0; 10]).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), lines(&output.stderr)), (Some(0), vec![]));
}
