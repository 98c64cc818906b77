//! Finds libchdb and loads its functions at run time, so that a build needs no library to link.

use std::ffi::{c_char, c_int, c_void};
use std::path::{Path, PathBuf};

use libloading::Library;

/// The variable naming the library file.
pub const LIBRARY_VARIABLE: &str = "RESULTSDB_LIBCHDB";

#[cfg(target_os = "macos")]
const FILE_NAMES: [&str; 2] = ["libchdb.dylib", "libchdb.so"];
#[cfg(not(target_os = "macos"))]
const FILE_NAMES: [&str; 1] = ["libchdb.so"];

/// Why the library could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// No file in any of the places searched.
    #[error("libchdb was not found: run `npm ci` in the checkout, or set {LIBRARY_VARIABLE} to the library file")]
    NotFound,
    /// A place named explicitly holds no file.
    #[error("no libchdb at {0}: run `npm ci` in the checkout, or set {LIBRARY_VARIABLE} to the library file")]
    Missing(PathBuf),
    /// The file is not a usable library.
    #[error("cannot load {path}: {source}")]
    Load {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        source: libloading::Error,
    },
}

/// Finds the library file: `explicit`, the variable, beside the executable, or an npm package in
/// `node_modules` of any folder above the executable or the current folder.
pub fn find(explicit: Option<&Path>) -> Result<PathBuf, LibraryError> {
    let named = explicit
        .map(Path::to_path_buf)
        .or_else(|| std::env::var_os(LIBRARY_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from));
    if let Some(path) = named {
        return if path.is_file() { Ok(path) } else { Err(LibraryError::Missing(path)) };
    }
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    if let Some(found) = beside.as_deref().and_then(in_folder) {
        return Ok(found);
    }
    [beside, std::env::current_dir().ok()]
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .find_map(in_node_modules)
        .ok_or(LibraryError::NotFound)
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    FILE_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

fn in_node_modules(folder: &Path) -> Option<PathBuf> {
    let packages = std::fs::read_dir(folder.join("node_modules/@chdb")).ok()?;
    packages
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("lib-"))
        .find_map(|entry| in_folder(&entry.path()))
}

/// Opaque handle of a result.
pub type RawResult = *mut c_void;
/// Opaque handle of a connection, as the statements take it.
pub type RawConnection = *mut c_void;
/// Opaque handle of an insert in progress.
pub type RawInsert = *mut c_void;
type Text = *const c_char;
type Texts = *const Text;
type Sizes = *const usize;

macro_rules! api {
    ($($field:ident = $symbol:literal : fn($($arg:ty),*) $(-> $ret:ty)?;)*) => {
        /// The C functions used, and nothing more of the library.
        pub struct Api {
            $(pub(crate) $field: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)*
        }

        impl Api {
            fn resolve(library: &Library) -> Result<Self, libloading::Error> {
                Ok(Self { $($field: {
                    // SAFETY: the signature is the one chdb.h declares for this symbol.
                    let symbol = unsafe {
                        library.get::<unsafe extern "C" fn($($arg),*) $(-> $ret)?>(concat!($symbol, "\0").as_bytes())
                    }?;
                    *symbol
                },)* })
            }
        }
    };
}

api! {
    connect = "chdb_connect": fn(c_int, *mut *mut c_char) -> *mut RawConnection;
    close = "chdb_close_conn": fn(*mut RawConnection);
    query = "chdb_query_with_params_n": fn(RawConnection, Text, usize, Text, usize, Texts, Sizes, Texts, Sizes, usize) -> RawResult;
    stream = "chdb_stream_query_with_params_n": fn(RawConnection, Text, usize, Text, usize, Texts, Sizes, Texts, Sizes, usize) -> RawResult;
    stream_fetch = "chdb_stream_fetch_result": fn(RawConnection, RawResult) -> RawResult;
    stream_cancel = "chdb_stream_cancel_query": fn(RawConnection, RawResult);
    destroy_result = "chdb_destroy_query_result": fn(RawResult);
    insert = "chdb_stream_insert_n": fn(RawConnection, Text, usize, Text, usize) -> RawInsert;
    insert_append = "chdb_stream_append": fn(RawInsert, *const c_void, usize) -> c_int;
    insert_done = "chdb_stream_done": fn(RawInsert) -> RawResult;
    insert_cancel = "chdb_stream_cancel_insert": fn(RawInsert);
    insert_error = "chdb_stream_insert_error": fn(RawInsert) -> Text;
    destroy_insert = "chdb_destroy_insert_stream": fn(RawInsert);
    result_buffer = "chdb_result_buffer": fn(RawResult) -> *mut c_char;
    result_length = "chdb_result_length": fn(RawResult) -> usize;
    result_rows_written = "chdb_result_rows_written": fn(RawResult) -> u64;
    result_error = "chdb_result_error": fn(RawResult) -> Text;
    set_signal_handlers = "chdb_set_signal_handlers_enabled": fn(c_int);
}

impl Api {
    /// Loads the library and keeps its signal handlers away from ours.
    pub fn load(path: &Path) -> Result<Self, LibraryError> {
        let failed = |source| LibraryError::Load { path: path.to_path_buf(), source };
        // SAFETY: loading runs the library's initialisers; libchdb is made to be loaded this way.
        let library = unsafe { Library::new(path) }.map_err(failed)?;
        let api = Self::resolve(&library).map_err(failed)?;
        // Its threads outlive every connection, so the code must never be unmapped.
        std::mem::forget(library);
        // SAFETY: takes a plain flag, and no connection is open yet.
        unsafe { (api.set_signal_handlers)(0) };
        Ok(api)
    }
}
