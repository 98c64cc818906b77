//! The folders that are taken off absolute paths in names, so that a test has the same name on every machine.

use std::env;
use std::path::Path;

use reports::name::Roots;

/// Where each CI says that its checkout lies.
const VARIABLES: [&str; 9] = [
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "WORKSPACE",
    "CIRCLE_WORKING_DIRECTORY",
    "BUILD_SOURCESDIRECTORY",
    "CI_WORKSPACE",
    "TRAVIS_BUILD_DIR",
    "DRONE_WORKSPACE",
];

/// The folders given, the checkout that the CI names, the working folder and the checkout around it.
pub(crate) fn roots(given: &[String]) -> Roots {
    let mut folders = given.to_vec();
    folders.extend(VARIABLES.iter().filter_map(|variable| env::var(variable).ok()));
    if let Ok(working) = env::current_dir() {
        let checkout = working.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf);
        folders.extend([Some(working), checkout].into_iter().flatten().map(|path| path.to_string_lossy().into_owned()));
    }
    Roots::new(folders)
}
