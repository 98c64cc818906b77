//! The machine that the tests ran on, as members of a configuration.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::process::{Command, Stdio};

use schema::configuration::MEMBERS;
use serde_json::{Map, Value};

/// The configuration of this machine, with the members given in the place of its own: `key=value` each.
pub(crate) fn configuration(given: &[(String, String)]) -> Map<String, Value> {
    let mut members = Map::new();
    let platform = if OS == "macos" { "mac" } else { OS };
    members.insert("platform".into(), platform.into());
    members.insert("version".into(), version().into());
    members.insert("is_simulator".into(), false.into());
    members.insert("architecture".into(), architecture().into());
    for (key, value) in given {
        members.insert(key.clone(), self::value(key, value));
    }
    members
}

/// The value of a member that an option gives.
pub(crate) fn value(key: &str, value: &str) -> Value {
    match (key, value) {
        ("is_simulator", "true" | "yes" | "1") => Value::Bool(true),
        ("is_simulator", "false" | "no" | "0") => Value::Bool(false),
        _ => Value::String(value.to_owned()),
    }
}

/// The parameter of a question that asks for a member.
pub(crate) fn asked((key, value): &(String, String)) -> (String, String) {
    let key = if MEMBERS.contains(&key.as_str()) { key.clone() } else { format!("label.{key}") };
    (key, value.clone())
}

/// A member of a configuration as an option gives it.
pub(crate) fn member(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, such as python=3.12".to_owned()),
    }
}

fn architecture() -> &'static str {
    if OS == "macos" && ARCH == "aarch64" { "arm64" } else { ARCH }
}

/// The version of the operating system as `a[.b[.c]]`; 0 where it is not known, as of a distribution without versions.
fn version() -> String {
    let text = match OS {
        "linux" => fs::read_to_string("/etc/os-release").ok().and_then(|release| os_release(&release)),
        "macos" => printed("sw_vers", &["-productVersion"]),
        "windows" => printed("cmd", &["/c", "ver"]),
        _ => printed("uname", &["-r"]),
    };
    numbers(&text.unwrap_or_default())
}

fn os_release(release: &str) -> Option<String> {
    let value = release.lines().find_map(|line| line.strip_prefix("VERSION_ID="))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

/// The first up to three numbers of a text that are joined by points.
fn numbers(text: &str) -> String {
    let text = text.trim_start_matches(|character: char| !character.is_ascii_digit());
    let end = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let parts: Vec<&str> = text[..end].split('.').filter(|part| !part.is_empty() && part.len() <= 6).take(3).collect();
    if parts.is_empty() { "0".to_owned() } else { parts.join(".") }
}

fn printed(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        for (text, version) in [
            ("12", "12"),
            ("22.04", "22.04"),
            ("3.20.1", "3.20.1"),
            ("14.2.1\n", "14.2.1"),
            ("\r\nMicrosoft Windows [Version 10.0.22631.4037]\r\n", "10.0.22631"),
            ("6.1.0-13-amd64", "6.1.0"),
            ("rolling", "0"),
            ("", "0"),
        ] {
            assert_eq!(numbers(text), version, "{text}");
        }
        let release = "NAME=\"Debian\"\nVERSION_ID=\"12\"\n";
        assert_eq!(os_release(release).as_deref(), Some("12"));
        assert_eq!(os_release("NAME=Arch\n"), None);
    }

    #[test]
    fn given_members_stand_in_the_place_of_the_machine_s() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let members = configuration(&[pair("platform", "board"), pair("python", "3.12"), pair("is_simulator", "true")]);
        assert_eq!((&members["platform"], &members["python"]), (&"board".into(), &"3.12".into()));
        assert_eq!(members["is_simulator"], true);
        assert!(members["version"].is_string() && members["architecture"].is_string());
    }

    #[test]
    fn members_have_a_key_and_a_value() {
        assert_eq!(member("flags=a=b"), Ok(("flags".into(), "a=b".into())));
        assert!(member("python").is_err() && member("=3").is_err() && member("python=").is_err());
    }
}
